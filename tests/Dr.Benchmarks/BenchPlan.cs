using System.Runtime.CompilerServices;

namespace Dr.Benchmarks;

/// <summary>
/// Which servers run which patterns, how often, in which order. The order turns with every round, so that no server always runs on the disk that another has just left busy. Patterns that
/// only read share one prepared volume per server and round.
/// </summary>
internal sealed record BenchPlan(int Rounds, long SizeBytes, long OverwriteBytes, TimeSpan DatabaseTime, bool IsCold, IReadOnlyList<Pattern> Patterns, IReadOnlyList<Peer> Peers, IReadOnlyList<Peer> PointsPeers, string Directory)
{
    public int RunCount => Rounds * Patterns.Sum(pattern => PeersOf(pattern).Count);

    public async IAsyncEnumerable<Measurement> RunAsync(Action<string> announce, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var group in Groups())
            {
                var peers = PeersOf(group[0]);
                for (var index = 0; index < peers.Count; index++)
                {
                    var peer = peers[(index + round) % peers.Count];
                    await foreach (var measurement in RunGroupAsync(group, peer, round, announce, cancellationToken))
                    {
                        yield return measurement;
                    }
                }
            }
        }
    }

    /// <summary>Every server gets a directory, a process and a volume of its own, which are gone afterwards.</summary>
    private async IAsyncEnumerable<Measurement> RunGroupAsync(
        Pattern[] group, Peer peer, int round, Action<string> announce, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var data = System.IO.Directory.CreateDirectory(Path.Combine(Directory, $"dr-bench-{Guid.NewGuid():N}")).FullName;

        // Socket paths are limited to 107 bytes, whatever directory was chosen for the data.
        var sockets = System.IO.Directory.CreateTempSubdirectory("dr-bench-").FullName;
        try
        {
            var socket = Path.Combine(sockets, "nbd");
            var uri = peer.Uri(socket);
            await using var server = await peer.StartAsync(data, socket, group[0].IsDatabase ? DatabaseRunner.VolumeBytes : SizeBytes + FioRunner.ExtraBytes, cancellationToken);
            announce($"round {round + 1}: preparing {peer.Name}");
            await PrepareAsync(group[0], uri, server, cancellationToken);
            foreach (var pattern in group)
            {
                announce($"round {round + 1}: {pattern.Name} on {peer.Name}");
                if (pattern.IsDatabase)
                {
                    yield return await DatabaseRunner.RunAsync(
                        pattern, peer.Name, round, uri, sockets, DatabaseTime, server, () => peer.BeginAsync(socket, null, cancellationToken), cancellationToken);
                    continue;
                }

                await using var meanwhile = await peer.BeginAsync(socket, SizeBytes, cancellationToken);
                await ChildProcess.RunAsync("sync", ["--file-system", data], cancellationToken);
                MemoryFetch.Touch((long)(SizeBytes * Math.Min(pattern.Share, 4) * 1.5));
                var logs = pattern.IsOfPoints && pattern.Depth == 1 ? System.IO.Directory.CreateTempSubdirectory("dr-bench-log-").FullName : null;
                try
                {
                    yield return await FioRunner.RunAsync(pattern, peer.Name, round, uri, SizeBytes, server, logs, cancellationToken);
                }
                finally
                {
                    if (logs is not null)
                    {
                        System.IO.Directory.Delete(logs, recursive: true);
                    }
                }
            }
        }
        finally
        {
            System.IO.Directory.Delete(data, recursive: true);
            System.IO.Directory.Delete(sockets, recursive: true);
        }
    }

    private async Task PrepareAsync(Pattern pattern, string uri, ChildProcess server, CancellationToken cancellationToken)
    {
        if (pattern.Preparation != Preparation.Empty)
        {
            await FioRunner.RunAsync(Pattern.Fill, "", 0, uri, SizeBytes, server, null, cancellationToken);
        }

        if (pattern.Preparation == Preparation.Overwritten)
        {
            await FioRunner.OverwriteAsync(uri, SizeBytes, OverwriteBytes, server, cancellationToken);
        }

        if (!IsCold && !pattern.IsDatabase)
        {
            await FioRunner.WarmUpAsync(uri, SizeBytes, 32, server, cancellationToken);
            await FioRunner.WarmUpAsync(uri, SizeBytes, 1, server, cancellationToken);

            // The runtime compiles what was found busy when nothing new has been called for a tenth of a second.
            await Task.Delay(TimeSpan.FromMilliseconds(700), cancellationToken);
        }
    }

    private IReadOnlyList<Peer> PeersOf(Pattern pattern) => pattern.IsOfPoints ? PointsPeers : Peers;

    private IEnumerable<Pattern[]> Groups() =>
        Patterns.Select((pattern, index) => (pattern, Key: pattern.Preparation == Preparation.Empty ? index : -(2 * (int)pattern.Preparation) - (pattern.IsOfPoints ? 1 : 0)))
            .GroupBy(item => item.Key, item => item.pattern)
            .Select(group => group.ToArray());
}

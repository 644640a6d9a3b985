using System.Runtime.CompilerServices;

namespace Dr.Benchmarks;

/// <summary>Which servers run which patterns, how often, in which order. The order turns with every round, so that no server always runs on the disk that another has just left busy.</summary>
internal sealed record BenchPlan(int Rounds, long SizeBytes, IReadOnlyList<Pattern> Patterns, IReadOnlyList<Peer> Peers, string Directory)
{
    public int RunCount => Rounds * Patterns.Count * Peers.Count;

    public async IAsyncEnumerable<Measurement> RunAsync(Action<string> announce, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var pattern in Patterns)
            {
                for (var index = 0; index < Peers.Count; index++)
                {
                    var peer = Peers[(index + round) % Peers.Count];
                    announce($"round {round + 1}: {pattern.Name} on {peer.Name}");
                    yield return await RunOneAsync(pattern, peer, round, cancellationToken);
                }
            }
        }
    }

    private async Task<Measurement> RunOneAsync(Pattern pattern, Peer peer, int round, CancellationToken cancellationToken)
    {
        var data = System.IO.Directory.CreateDirectory(Path.Combine(Directory, $"dr-bench-{Guid.NewGuid():N}")).FullName;

        // Socket paths are limited to 107 bytes, whatever directory was chosen for the data.
        var sockets = System.IO.Directory.CreateTempSubdirectory("dr-bench-").FullName;
        try
        {
            var socket = Path.Combine(sockets, "nbd");
            await using var server = await peer.StartAsync(data, socket, SizeBytes, cancellationToken);
            if (pattern.NeedsFill)
            {
                await FioRunner.RunAsync(Pattern.Fill, peer.Name, round, peer.Uri(socket), SizeBytes, server, cancellationToken);
            }

            await ChildProcess.RunAsync("sync", ["--file-system", data], cancellationToken);
            return await FioRunner.RunAsync(pattern, peer.Name, round, peer.Uri(socket), SizeBytes, server, cancellationToken);
        }
        finally
        {
            System.IO.Directory.Delete(data, recursive: true);
            System.IO.Directory.Delete(sockets, recursive: true);
        }
    }
}

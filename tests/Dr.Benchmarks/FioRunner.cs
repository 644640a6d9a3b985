using System.Globalization;
using System.Text.Json;

namespace Dr.Benchmarks;

/// <summary>Runs one pattern with fio's NBD engine and reads its JSON and its log of every request's latency.</summary>
internal static class FioRunner
{
    /// <summary>Behind the measured part of every volume: for warming up, and for what is written between points.</summary>
    public const long ExtraBytes = 64L << 20;

    // No run of fixed size takes so long; only one that nobody watches any more would.
    private const int MostSeconds = 600;

    /// <summary>The pattern on the first <paramref name="sizeBytes"/> of the export.</summary>
    /// <param name="logs">A directory for the log of latencies when pauses are to be looked for; null = they are not.</param>
    public static async Task<Measurement> RunAsync(Pattern pattern, string peer, int round, string uri, long sizeBytes, ChildProcess server, string? logs, CancellationToken cancellationToken)
    {
        var arguments = Arguments(pattern, uri, 0, sizeBytes, (long)(sizeBytes * pattern.Share), round);
        if (logs is not null)
        {
            arguments.AddRange([$"--write_lat_log={Path.Combine(logs, "log")}", "--log_avg_msec=0"]);
        }

        var (before, diskBefore) = (server.ProcessorTime, server.DiskBytesRead);
        var output = await ChildProcess.RunAsync("fio", arguments, cancellationToken, server);
        var processor = server.ProcessorTime - before;
        var disk = server.DiskBytesRead - diskBefore;

        using var json = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]);
        var direction = json.RootElement.GetProperty("jobs")[0].GetProperty(pattern.IsWriting ? "write" : "read");
        var requests = direction.GetProperty("total_ios").GetDouble();

        // fio's runtime covers the fsync at the end; its own rates are over the same time, in whole milliseconds.
        var seconds = direction.GetProperty("runtime").GetDouble() / 1000;
        var latencies = direction.GetProperty("clat_ns");
        return new Measurement(
            pattern.Name,
            peer,
            round,
            requests / seconds,
            direction.GetProperty("io_bytes").GetDouble() / seconds / (1024 * 1024),
            Percentile(latencies, "50.000000"),
            Percentile(latencies, "99.000000"),
            processor.TotalMicroseconds / requests,
            logs is null ? double.NaN : LatencyLog.P99PauseMicroseconds(logs))
        {
            DiskMebibytesRead = disk / (1024.0 * 1024),
        };
    }

    /// <summary>The whole measured part is written at random so often that <paramref name="bytes"/> are overwritten.</summary>
    public static Task OverwriteAsync(string uri, long sizeBytes, long bytes, ChildProcess server, CancellationToken cancellationToken) =>
        ChildProcess.RunAsync(
            "fio", [.. Arguments(Pattern.All[0], uri, 0, sizeBytes, bytes, round: 41), "--norandommap=1"], cancellationToken, server);

    public static Task WarmUpAsync(string uri, long sizeBytes, int depth, ChildProcess server, CancellationToken cancellationToken) =>
        ChildProcess.RunAsync("fio", Arguments(Pattern.WarmUp with { Depth = depth }, uri, sizeBytes, ExtraBytes / 2, ExtraBytes / 2 / (depth == 1 ? 4 : 1), round: 17), cancellationToken, server);

    /// <summary>Slow random writes into the part behind the measured one, until killed or <paramref name="writes"/> are done.</summary>
    public static IEnumerable<string> Background(string uri, long sizeBytes, long writes) =>
        [.. Arguments(Pattern.All[0] with { Depth = 4 }, uri, sizeBytes, ExtraBytes, writes * 4096, round: 5), "--norandommap=1", "--rate_iops=5000"];

    private static List<string> Arguments(Pattern pattern, string uri, long offset, long sizeBytes, long ioBytes, int round)
    {
        List<string> arguments =
        [
            "--name=bench", "--output-format=json", "--ioengine=nbd", $"--uri={uri}", $"--rw={pattern.ReadWrite}", $"--bs={pattern.BlockSize}", $"--iodepth={pattern.Depth}",
            Invariant($"--offset={offset}"), Invariant($"--size={sizeBytes}"), Invariant($"--io_size={ioBytes}"), Invariant($"--randseed={round + 1}"),
            "--refill_buffers=0", "--end_fsync=1", Invariant($"--runtime={MostSeconds}"),
        ];
        if (pattern.FsyncEvery > 0)
        {
            arguments.Add(Invariant($"--fsync={pattern.FsyncEvery}"));
        }

        return arguments;
    }

    private static double Percentile(JsonElement latencies, string name) =>
        latencies.TryGetProperty("percentile", out var percentiles) && percentiles.TryGetProperty(name, out var value) ? value.GetDouble() / 1000 : double.NaN;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

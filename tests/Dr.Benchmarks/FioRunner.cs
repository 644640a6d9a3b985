using System.Globalization;
using System.Text.Json;

namespace Dr.Benchmarks;

/// <summary>Runs one pattern with fio's NBD engine and reads its JSON.</summary>
internal static class FioRunner
{
    public static async Task<Measurement> RunAsync(Pattern pattern, string peer, int round, string uri, long sizeBytes, ChildProcess server, CancellationToken cancellationToken)
    {
        var ioBytes = (long)(sizeBytes * pattern.Share);
        List<string> arguments =
        [
            "--name=bench", "--output-format=json", "--ioengine=nbd", $"--uri={uri}", $"--rw={pattern.ReadWrite}", $"--bs={pattern.BlockSize}", $"--iodepth={pattern.Depth}",
            Invariant($"--size={sizeBytes}"), Invariant($"--io_size={ioBytes}"), Invariant($"--randseed={round + 1}"), "--refill_buffers=0", "--end_fsync=1",
        ];
        if (pattern.FsyncEvery > 0)
        {
            arguments.Add(Invariant($"--fsync={pattern.FsyncEvery}"));
        }

        var before = server.ProcessorTime;
        var output = await ChildProcess.RunAsync("fio", arguments, cancellationToken);
        var processor = server.ProcessorTime - before;

        using var json = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]);
        var direction = json.RootElement.GetProperty("jobs")[0].GetProperty(pattern.ReadWrite.Contains("write", StringComparison.Ordinal) ? "write" : "read");
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
            processor.TotalMicroseconds / requests);
    }

    private static double Percentile(JsonElement latencies, string name) =>
        latencies.TryGetProperty("percentile", out var percentiles) && percentiles.TryGetProperty(name, out var value) ? value.GetDouble() / 1000 : double.NaN;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

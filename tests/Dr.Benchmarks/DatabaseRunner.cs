using System.Globalization;

namespace Dr.Benchmarks;

/// <summary>pgbench's TPC-B-like load on PostgreSQL on an export.</summary>
internal static class DatabaseRunner
{
    /// <summary>Room for the tables (scale 10) and for as much log as PostgreSQL keeps by default.</summary>
    public const long VolumeBytes = 4L << 30;

    public const int Scale = 10;

    public const int Clients = 4;

    /// <param name="work">A directory of our own for mount points and sockets.</param>
    public static async Task<Measurement> RunAsync(
        Pattern pattern, string peer, int round, string uri, string work, TimeSpan time, ChildProcess server, Func<Task<IAsyncDisposable?>> begin, CancellationToken cancellationToken)
    {
        await using var database = await Database.StartAsync(uri, work, server, cancellationToken);
        await database.FillAsync(Scale, cancellationToken);
        await database.RunLoadAsync(Clients, TimeSpan.FromSeconds(2), cancellationToken);
        await using var meanwhile = await begin();
        var before = server.ProcessorTime;
        var output = await database.RunLoadAsync(Clients, time, cancellationToken);
        var rate = Number(output, "tps = ");
        return new Measurement(
            pattern.Name, peer, round, rate, double.NaN, Number(output, "latency average = ") * 1000, double.NaN, (server.ProcessorTime - before).TotalMicroseconds / (rate * time.TotalSeconds), double.NaN);
    }

    internal static double Number(string output, string label)
    {
        var start = output.IndexOf(label, StringComparison.Ordinal);
        var end = start < 0 ? -1 : output.IndexOf(' ', start + label.Length);
        return end < 0 ? throw new BenchException($"pgbench said nothing of '{label}': {output}") : double.Parse(output.AsSpan(start + label.Length, end - start - label.Length), CultureInfo.InvariantCulture);
    }
}

namespace Dr.Benchmarks.Replication.Cost;

/// <summary>An appliance in this process and what its copies go to: another one here, or a <see cref="FarProcess"/> with a processor of its own.</summary>
internal sealed class BothEnds : IAsyncDisposable
{
    private readonly IAsyncDisposable _far;

    private BothEnds(BenchAppliance near, IAsyncDisposable far, string farAddress) => (Near, _far, FarAddress) = (near, far, farAddress);

    public BenchAppliance Near { get; }

    public string FarAddress { get; }

    public static async Task<BothEnds> StartAsync(string directory, string farDirectory, (string Program, int Processor)? apart, CancellationToken cancellationToken)
    {
        var near = await BenchAppliance.StartAsync(directory, "near");
        try
        {
            if (apart is { } end)
            {
                var process = await FarProcess.StartAsync(end.Program, farDirectory, $"dr-bench-far-{Guid.NewGuid():N}", end.Processor, cancellationToken);
                return new BothEnds(near, process, process.Address.ToString());
            }

            var appliance = await BenchAppliance.StartAsync(farDirectory, "far");
            return new BothEnds(near, appliance, appliance.Address);
        }
        catch
        {
            await near.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Near.DisposeAsync();
        await _far.DisposeAsync();
    }
}

using System.Data.Common;
using Dr.Contracts.Grains;
using Dr.Silo.Hosting;
using Dr.Silo.Storage;

namespace Dr.Silo.Api;

/// <summary>What keeps this silo from working right now.</summary>
internal sealed class HealthProbe(SiloPlan plan, IGrainFactory grains, EventLog events, IEnumerable<IHealthSource> sources, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>One sentence per problem; empty when all is well.</summary>
    public async Task<IReadOnlyList<string>> ProblemsAsync(CancellationToken cancellationToken)
    {
        var asked = await Task.WhenAll(DatabaseAsync(cancellationToken), GrainsAsync(cancellationToken));
        return [.. sources.SelectMany(source => source.Problems()), .. asked.OfType<string>()];
    }

    public async Task<string?> DatabaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await events.LastIdAsync(cancellationToken).WaitAsync(Limit, time, cancellationToken);
            return null;
        }
        catch (Exception e) when (e is DbException or DrException or TimeoutException)
        {
            return $"The database does not answer: {e.Message}";
        }
    }

    private async Task<string?> GrainsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(plan.Sites.Select(s => grains.GetGrain<ISiteGrain>(s.Value).GetAsync())).WaitAsync(Limit, time, cancellationToken);
            return null;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            return $"Grains do not answer within {Limit.TotalSeconds:0} s: {e.Message}";
        }
    }
}

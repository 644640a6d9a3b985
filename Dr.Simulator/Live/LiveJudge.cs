using System.Text.Json;
using Dr.Silo.Storage;
using Dr.Simulator.Live.Circulation;
using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.Judging;
using Dr.Simulator.Live.World;
using Npgsql;

namespace Dr.Simulator.Live;

/// <summary>Collects the evidence when everything is over: what is in the database and on the volumes of both sites against what clients were answered.</summary>
internal sealed class LiveJudge(LiveWorld world, Action<string> progress)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    /// <param name="running">The systems that ran at their homes, with their clients served, just before those were stopped.</param>
    public async Task<LiveEvidence> CollectAsync(IReadOnlySet<string> running, IReadOnlyList<CorruptionFinding> corruptions, string? notHealed, CancellationToken cancellationToken)
    {
        progress("the control plane's records");
        var (ownership, audit) = await RecordsAsync(cancellationToken);
        List<SystemEvidence> systems = [];
        foreach (var system in world.Systems)
        {
            progress($"{system.Id}: what was answered against what is there");
            var home = running.Contains(system.Id) ? system.Home : ownership.LastOrDefault(o => o.System == system.Id).Site ?? system.Home;
            var evidence = system.HasDatabase ? await DatabaseAsync(system) : new SystemEvidence
            {
                System = system, Committed = 0, Losses = [], OwnershipMoves = 0, IsRunning = false, Difference = null, Damage = null, LongestWait = 0,
            };
            progress($"{system.Id}: the volumes of both sites");
            var images = LivePlaces.Sites.ToDictionary(site => site, site => world.Scratch($"{system.Id}-{site}.img"));
            var difference = await ExportAsync(system, home, images);
            if (!system.HasDatabase)
            {
                evidence = Numbered(evidence, images[home], ref difference);
            }

            foreach (var image in images.Values)
            {
                File.Delete(image);
            }

            systems.Add(evidence with
            {
                OwnershipMoves = OwnershipHistory.Moves(ownership, system.Id),
                IsRunning = running.Contains(system.Id),
                Difference = difference,
                Damage = evidence.Damage ?? await VerifyAsync(system),
            });
        }

        return new LiveEvidence { Systems = systems, OwnershipFaults = OwnershipHistory.Faults(ownership), AuditBrokenAt = audit, Corruptions = corruptions, NotHealed = notHealed };
    }

    private async Task<(IReadOnlyList<OwnershipEntry> Ownership, long? Audit)> RecordsAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(world.StoreConnection);
        await connection.OpenAsync(cancellationToken);
        var ownership = await OwnershipHistory.ReadAsync(connection, cancellationToken);
        await using var database = new PostgresDatabase(world.StoreConnection);
        return (ownership, await new AuditLog(database).FirstBrokenAsync(cancellationToken));
    }

    private async Task<SystemEvidence> DatabaseAsync(LiveSystem system)
    {
        var (status, said) = await world.CheckDeskAsync(system);
        var verdict = status <= 1 && said.StartsWith('{') ? JsonSerializer.Deserialize<LedgerVerdict>(said, Json) : null;
        var times = LedgerFile.ReadAll(world.LedgerPath).Where(e => e.State == LedgerState.Committed).Select(e => e.At.ToUnixTimeMilliseconds() / 1000.0).ToArray();
        return new SystemEvidence
        {
            System = system,
            Committed = times.Length,
            Losses = verdict is null ? [new LossEpisode(system.Home, times.Length, 0, double.PositiveInfinity)] : verdict.Lost == 0 ? [] : [new LossEpisode(system.Home, verdict.Lost, 0, verdict.LostSeconds)],
            Unexplained = verdict?.Unexplained ?? 0,
            OwnershipMoves = 0,
            IsRunning = false,
            Difference = null,
            Damage = verdict is null ? $"the database cannot be asked: {said.Trim()}" : null,
            LongestWait = Gaps.Longest(times, double.NegativeInfinity, times.LastOrDefault()),
        };
    }

    private SystemEvidence Numbered(SystemEvidence evidence, string image, ref string? difference)
    {
        var answers = world.Writers[evidence.System.Id].Answers;
        if (!File.Exists(image))
        {
            // Not known is not lost: the missing comparison breaks a promise of its own.
            difference ??= "the volume could not be read";
            return evidence with { Committed = VolumeJudgement.Commits(answers).Length };
        }

        using var stream = File.OpenRead(image);
        return VolumeJudgement.Of(evidence, answers, stream);
    }

    /// <summary>A point that both sites have, taken from both; null when they are equal.</summary>
    private async Task<string?> ExportAsync(LiveSystem system, string home, Dictionary<string, string> images)
    {
        var (taken, point) = await world.EdgeAsync(home, Long, "point", "create", system.Id, "--label", "judged");
        if (taken != 0)
        {
            return $"no point could be taken at {home}: {FirstLine(point)}";
        }

        // The home first: what is there can be judged even when the copy cannot be reached.
        foreach (var site in new[] { home, LivePlaces.Other(home) })
        {
            if (site != home && await world.EdgeAsync(home, Long, "copy", "sync", system.Id) is { Status: not 0 } synced)
            {
                return $"the copy did not become current: {FirstLine(synced.Output)}";
            }

            var (exported, why) = await world.EdgeAsync(site, Long, "export", $"{system.Id}@judged", images[site]);
            if (exported != 0)
            {
                return $"{site} cannot be read: {FirstLine(why)}";
            }
        }

        return await FirstDifferenceAsync(images[LivePlaces.Production], images[LivePlaces.Backup]) is { } at ? $"different from byte {at} on" : null;
    }

    private async Task<string?> VerifyAsync(LiveSystem system)
    {
        foreach (var site in LivePlaces.Sites)
        {
            var (status, said) = await world.EdgeAsync(site, Long, "verify", system.Id);
            if (status != 0)
            {
                return $"at {site}: {FirstLine(said)}";
            }
        }

        return null;
    }

    private static string FirstLine(string text) => text.Trim().Split('\n')[0];

    private static async Task<long?> FirstDifferenceAsync(string one, string two)
    {
        await using var first = File.OpenRead(one);
        await using var second = File.OpenRead(two);
        return await VolumeJudgement.FirstDifferenceAsync(first, second);
    }
}

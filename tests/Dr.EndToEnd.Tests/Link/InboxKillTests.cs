using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dr.EndToEnd.Tests.WebConsole;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>
/// Commands of the control plane to an appliance while <c>kill -9</c> strikes edge, Mosquitto and silo: each that the control plane accepted is carried out once, or refused because it came after its deadline; also
/// where the edge was killed between the work and the note of its result, which every second edge of the sweep does to itself. The command is "take a point" with a label of its own. <c>DR_OUTBOX_KILLS=N</c> runs it with N kills, some three seconds each; <c>DR_OUTBOX_SEED</c> chooses others.
/// </summary>
[Collection(nameof(LinkCollection))]
public sealed class InboxKillTests(ITestOutputHelper output) : IAsyncDisposable
{
    /// <summary>A volume keeps 255 points: older ones that were counted go.</summary>
    private const int PointsKept = 100;

    /// <summary>The control plane gives a command up a minute after its deadline of 30 s.</summary>
    private static readonly TimeSpan AnsweredWithin = TimeSpan.FromMinutes(2);
    private readonly KillStage _stage = new();
    private readonly Dictionary<string, HashSet<string>> _points = new(StringComparer.Ordinal);

    [Fact]
    public async Task Every_accepted_command_is_carried_out_once_whoever_is_killed()
    {
        Assert.SkipUnless(KillStage.Kills > 0, "DR_OUTBOX_KILLS=N runs it with N kills, some three seconds each");
        await _stage.StartAsync(
            """
            sites: [ {id: production}, {id: backup} ]
            devices:
              - { id: prod-1, site: production, roles: [appliance, host], busyPeriod: 1s, idlePeriod: 1s }
              - { id: back-1, site: backup, roles: [appliance, host] }
            systems:
              - { id: dilas, home: production, volume: dilas, size: 64MiB, points: 0s, lease: false, approval: person, hosts: { production: prod-1, backup: back-1 }, appliances: { production: prod-1, backup: back-1 }, replication: { production: "127.0.0.1:1", backup: "127.0.0.1:2" } }
            """,
            "device: prod-1\nsite: production\nroles: [appliance]\npoints: {every: off}\n");
        using var stop = new CancellationTokenSource();
        var accepted = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        await Eventually.TrueAsync("the volume is there and takes a point", async () => await AskAsync("first") is not null && await IsTakenAsync("first"), AnsweredWithin);
        var asking = AskAllAsync(accepted, stop.Token);
        var killed = await _stage.KillAsync("point.recorded");
        await stop.CancelAsync();
        var sent = await asking;
        var late = new HashSet<string>(StringComparer.Ordinal);
        string[] Missing() => [.. accepted.Where(a => !_points.ContainsKey(a.Key) && !late.Contains(a.Key)).Select(a => a.Value)];
        async Task<bool> AllAnsweredAsync()
        {
            var refused = _stage.EdgeLog.Where(l => l.Contains("Expired", StringComparison.Ordinal)).ToList();
            late.UnionWith(accepted.Where(a => refused.Exists(l => l.Contains(a.Value, StringComparison.Ordinal))).Select(a => a.Key));
            return await LookAsync() && Missing().Length == 0;
        }

        await Eventually.TrueAsync("every accepted command to be carried out or refused", AllAnsweredAsync, AnsweredWithin, () => $"Neither were: {string.Join(", ", Missing())}");
        _points.Keys.Except(sent).Where(l => l != "first").ShouldBeEmpty("nobody asked for it");
        var twice = _points.Values.Sum(ids => ids.Count - 1);
        output.WriteLine($"{KillStage.Kills} kills ({string.Join(", ", killed.Select(k => $"{k.Value} {k.Key}"))}), seed {KillStage.Seed}: {accepted.Count} commands accepted, all answered, {late.Count} after their deadline, {twice} carried out twice, {_stage.DiedThere} edges ended between a point and its result");
        twice.ShouldBe(0, "a command that comes again finds its point");
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    /// <summary>One after the other until told to stop; a label that was not answered is never used again. All labels that were sent.</summary>
    private async Task<HashSet<string>> AskAllAsync(ConcurrentDictionary<string, string> accepted, CancellationToken stop)
    {
        var sent = new HashSet<string>(StringComparer.Ordinal);
        for (var k = 0; !stop.IsCancellationRequested; k++)
        {
            var label = string.Create(CultureInfo.InvariantCulture, $"c{k}");
            sent.Add(label);
            if (await AskAsync(label) is { } command)
            {
                accepted[label] = command;
            }

            await Task.Delay(300, CancellationToken.None);
            if (k % 10 == 0)
            {
                await LookAsync();
            }
        }

        return sent;
    }

    /// <summary>The command's id; null when it was not accepted, as far as one knows.</summary>
    private async Task<string?> AskAsync(string label)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var answer = await http.PostAsJsonAsync(new Uri($"http://{_stage.SiloAddress}/api/v1/volumes/dilas/points"), new { label });
            return answer.StatusCode == HttpStatusCode.Accepted ? (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("command").ToString() : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return null; // Whether it was accepted, nobody knows.
        }
    }

    private async Task<bool> IsTakenAsync(string label)
    {
        await Task.Delay(500);
        return await LookAsync() && _points.ContainsKey(label);
    }

    /// <summary>Counts the points that are there, and has old ones go. False when the edge did not say.</summary>
    private async Task<bool> LookAsync()
    {
        var (status, text) = await Repository.RunAsync(EdgeProcess.Program, ["point", "list", "dilas", "--json", "--control", _stage.Control], TimeSpan.FromSeconds(20));
        if (status != 0)
        {
            return false;
        }

        var points = JsonDocument.Parse(text).RootElement.EnumerateArray().Select(p => (Id: p.GetProperty("id").GetString()!, Label: p.TryGetProperty("label", out var l) ? l.GetString() : null)).Where(p => p.Label is not null).ToList();
        foreach (var (id, label) in points)
        {
            (_points.TryGetValue(label!, out var ids) ? ids : _points[label!] = []).Add(id);
        }

        foreach (var (id, _) in points.SkipLast(PointsKept))
        {
            await Repository.RunAsync(EdgeProcess.Program, ["point", "delete", "dilas", id, "--control", _stage.Control], TimeSpan.FromSeconds(20));
        }

        return true;
    }
}

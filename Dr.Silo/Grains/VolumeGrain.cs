using Dr.Contracts.Policy;
using Dr.Silo.Storage;
using Orleans.Runtime;
using Orleans.Storage;

namespace Dr.Silo.Grains;

/// <summary>A volume's copies as they report themselves, and its point schedule at the owner. Persist, then send: a point is asked for at most once per due time.</summary>
[GrainType("volume")]
internal sealed partial class VolumeGrain(
    [PersistentState("volume")] IPersistentState<VolumeRecord> store, EventLog events, TimeProvider time, ILogger<VolumeGrain> logger) : Grain, IVolumeGrain
{
    /// <summary>Marks points that this grain asked for; their results come back here.</summary>
    public const string ScheduleStep = "schedule";

    private const int NewestShown = 20;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>A point is a manifest record behind a quiesce of at most 10 s.</summary>
    private static readonly TimeSpan PointDeadline = TimeSpan.FromSeconds(30);

    private readonly Dictionary<DeviceId, CopyView> _copies = [];
    private readonly SortedDictionary<PointId, PointInfo> _points = [];
    private readonly Queue<(DeviceId Appliance, DeviceCommand Command, CommandResult Result)> _results = [];
    private readonly Dictionary<(VolumeId Volume, string Peer), MirrorRecord> _mirrors = [];
    private (DeviceId Appliance, Epoch Epoch)? _newOwner;
    private (DeviceId Appliance, Epoch Epoch)? _toldOwner;

    private string Name => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(OnTickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true });
        return Task.CompletedTask;
    }

    public async Task ConfigureAsync(VolumeSettings settings)
    {
        // A silo that starts may have read the policies just before they were changed.
        if (store.State.Settings != settings && settings.PolicyVersion >= (store.State.Settings?.PolicyVersion ?? 0))
        {
            await SaveAsync(store.State with { Settings = settings });
        }
    }

    public Task<IReadOnlyList<MirrorNoted>> OnStatusAsync(DeviceId appliance, VolumeStatus status)
    {
        _copies[appliance] = new CopyView { Appliance = appliance, Status = status, ReportedAt = time.GetUtcNow() };
        if (status.NewestPoint is { } point)
        {
            _points[point.Id] = point;
            while (_points.Count > NewestShown)
            {
                _points.Remove(_points.Keys.First());
            }
        }

        foreach (var word in MirrorWord.Of(status))
        {
            var key = (status.Volume, word.Peer);
            if (!_mirrors.TryGetValue(key, out var known) || word.IsAtLeast(known.ToWord()))
            {
                _mirrors[key] = MirrorRecord.From(status.Volume, word, time.GetUtcNow());
            }
        }

        // Only what is stored is confirmed: the device asks again until it is.
        return Task.FromResult<IReadOnlyList<MirrorNoted>>(
            [.. store.State.Mirrors.Where(m => m.Volume == status.Volume).Select(m => new MirrorNoted { Volume = m.Volume, Peer = m.Peer, Record = m.Record })]);
    }

    public Task OwnedByAsync(DeviceId appliance, Epoch epoch)
    {
        if (epoch >= store.State.Epoch)
        {
            _newOwner = (appliance, epoch);
        }

        return Task.CompletedTask;
    }

    public async Task OnResultAsync(DeviceId appliance, DeviceCommand command, CommandResult result)
    {
        if (command is TakePoint take)
        {
            // Before the device's grain may note that this was told: after a crash it is told again, and the key of the event makes it one.
            await events.AppendAsync([PointEvent.Of(appliance, take, result, time.GetUtcNow())], CancellationToken.None);
        }

        _results.Enqueue((appliance, command, result));
    }

    public async Task<CommandId?> TakePointAsync(string? label) =>
        store.State is { Settings: { } settings, Owner: { } owner } ? await AskAsync(settings, owner, label, purpose: null) : null;

    public Task<IReadOnlyList<MirrorWord>> MirrorsAsync() => Task.FromResult<IReadOnlyList<MirrorWord>>([.. store.State.Mirrors.Select(m => m.ToWord())]);

    public Task<VolumeView?> GetAsync() => Task.FromResult(store.State.Settings is not { } settings
        ? null
        : new VolumeView
        {
            Name = Name,
            System = settings.System,
            Copies = [.. _copies.Values.OrderBy(c => c.Appliance.Value, StringComparer.Ordinal)],
            NewestPoints = [.. _points.Values.Reverse()],
            NextPointAt = store.State.NextPointAt,
            LastPointProblem = store.State.LastProblem,
            Backups = BackupViews(settings),
            PolicyVersion = settings.PolicyVersion,
            PolicyProblems = PolicyProblems(settings),
        });

    public Task WakeAsync() => Task.CompletedTask;

    /// <summary>One round of the schedule.</summary>
    private async Task OnTickAsync(CancellationToken cancellationToken)
    {
        if (_newOwner is { } owner && (owner.Appliance != store.State.Owner || owner.Epoch != store.State.Epoch))
        {
            await SaveAsync(store.State with { Owner = owner.Appliance, Epoch = owner.Epoch, Pending = null });
        }

        if (store.State is { Owner: { } mine, Settings.ApplicationVolume: { } application } && _toldOwner != (mine, store.State.Epoch))
        {
            // The volume with the programs has no say in who owns the system: it is told.
            await GrainFactory.GetGrain<IVolumeGrain>(application).OwnedByAsync(mine, store.State.Epoch);
            _toldOwner = (mine, store.State.Epoch);
        }

        while (_results.TryDequeue(out var heard))
        {
            var result = heard.Result;
            await HearPolicyAsync(heard.Appliance, heard.Command, result);
            if (result.Id == store.State.Pending)
            {
                var problem = result.Outcome == CommandOutcome.Done ? null : result.Detail ?? result.Outcome.ToString();
                await SaveAsync(store.State with { Pending = null, LastProblem = problem });
                LogPoint(Name, result.Outcome, result.Detail);
            }
        }

        await StoreMirrorsAsync();
        var now = time.GetUtcNow();
        if (store.State is { Settings: { } settings, Owner: { } appliance } && settings.PointPeriod > TimeSpan.Zero && !AppliancePoints(settings, appliance)
            && (store.State.NextPointAt is not { } next || now >= next)
            && _copies.TryGetValue(appliance, out var copy) && copy.Status is { Role: VolumeRole.Primary } status && status.Epoch == store.State.Epoch
            && now - copy.ReportedAt < PointDeadline)
        {
            await AskAsync(settings, appliance, null, "schedule");
        }

        await KeepPolicyAsync(now);
    }

    // A primary lets writes go without its mirror only after this: whoever decides over a takeover reads it.
    private async Task StoreMirrorsAsync()
    {
        var known = store.State.Mirrors.ToDictionary(m => (m.Volume, m.Peer));
        var news = _mirrors.Values.Where(m => !known.TryGetValue((m.Volume, m.Peer), out var k) || (m.ToWord().IsAtLeast(k.ToWord()) && m.ToWord() != k.ToWord())).ToArray();
        if (news.Length > 0)
        {
            foreach (var mirror in news)
            {
                known[(mirror.Volume, mirror.Peer)] = mirror;
                LogMirror(Name, mirror.Peer, mirror.State);
            }

            await SaveAsync(store.State with { Mirrors = [.. known.Values] });
        }
    }

    private async Task<CommandId> AskAsync(VolumeSettings settings, DeviceId appliance, string? label, string? purpose)
    {
        var now = time.GetUtcNow();
        var id = new CommandId($"{Name}.point.{now.ToUnixTimeMilliseconds()}");

        // The next due time is stored with the intent: a crash in between costs one point, never two at once.
        await SaveAsync(store.State with { Pending = id, NextPointAt = settings.PointPeriod > TimeSpan.Zero ? now + settings.PointPeriod : null });
        await GrainFactory.GetGrain<IDeviceGrain>(appliance.Value).SendAsync(new TakePoint
        {
            Id = id,
            IssuedAt = now,
            Deadline = now + PointDeadline,
            System = settings.System,
            Epoch = store.State.Epoch,
            Step = ScheduleStep,
            Volume = Name,
            Label = label,
            Quiesce = settings.Policy?.Quiesce != QuiesceMode.None,
            Purpose = purpose,
        });
        return id;
    }

    private Task SaveAsync(VolumeRecord record) => store.SaveAsync(record, onConflict: DeactivateOnIdle);
}

using Dr.Silo.Decisions.Detection;
using Dr.Silo.Storage;
using Orleans.Runtime;
using Orleans.Storage;

namespace Dr.Silo.Grains;

/// <summary>
/// One device. Beats stay in memory; its epoch, configuration and outbox are stored before anything is sent. Nothing here decides: what was seen and not seen
/// is told to the systems and the site.
/// </summary>
[GrainType("device")]
internal sealed partial class DeviceGrain(
    [PersistentState("device")] IPersistentState<DeviceRecord> store,
    IServiceProvider services,
    KnownThings known,
    EventLog events,
    ObserverHealth observer,
    DetectorBook book,
    TimeProvider time,
    ILogger<DeviceGrain> logger) : Grain, IDeviceGrain
{
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan PushAgainAfter = TimeSpan.FromSeconds(5);

    /// <summary>50 000 devices tell their sites 1 700 times a second.</summary>
    private static readonly TimeSpan RemindSiteAfter = TimeSpan.FromSeconds(30);

    private readonly Dictionary<CommandId, DateTimeOffset> _sent = [];
    private readonly Dictionary<CommandId, string> _progress = [];
    private readonly Dictionary<CommandId, (SystemId Asker, DateTimeOffset At)> _probes = [];
    private DetectorState? _detector;
    private Beat? _beat;
    private Presence _presence = Presence.Unknown;
    private DateTimeOffset _presenceSince;
    private DateTimeOffset _activatedAt;
    private DateTimeOffset _bornAt;
    private DateTimeOffset _siteToldAt;
    private double _phi;
    private Task _pushing = Task.CompletedTask;
    private DateTimeOffset _pushAgainAt;
    private long _configPushed;
    private IGrainTimer? _timer;
    private LookClock _look = new(default);

    private DeviceId Id => new(this.GetPrimaryKeyString());

    private SiteId? Site => store.State.Settings?.Site ?? store.State.Birth?.Site;

    private IReadOnlyList<string> Roles => store.State.Settings?.Roles ?? store.State.Birth?.Roles ?? [];

    // Looked up when needed: the ingress starts after the grains, and tests run without one.
    private IDownlink? Downlink => services.GetService<IDownlink>();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _activatedAt = _presenceSince = time.GetUtcNow();
        _look = new LookClock(_activatedAt);
        _timer = this.RegisterGrainTimer(OnTickAsync, new GrainTimerCreationOptions(LookClock.Tick, Timeout.InfiniteTimeSpan) { KeepAlive = true });
        return Task.CompletedTask;
    }

    public async Task OnBirthAsync(Birth birth)
    {
        if (birth.DeviceEpoch < store.State.DeviceEpoch)
        {
            LogOldBirth(Id, birth.DeviceEpoch, store.State.DeviceEpoch);
            return;
        }

        // It lives, and its first beat follows: what came before says nothing of it.
        _bornAt = time.GetUtcNow();
        var isNew = store.State.Birth is null;
        await SaveAsync(store.State with { DeviceEpoch = birth.DeviceEpoch, Birth = birth });
        if (isNew)
        {
            await known.AddAsync(ThingKind.Device, Id.Value, birth.Site.Value, CancellationToken.None);
        }

        PushConfig();
        foreach (var open in store.State.Outbox.Where(c => c.IsOpen))
        {
            await TransmitAsync(open.Command);
        }
    }

    public Task OnStateAsync(DeviceState state)
    {
        if (!state.Online && state.Epoch >= store.State.DeviceEpoch)
        {
            LogWill(Id, state.Epoch);
        }

        return Task.CompletedTask;
    }

    public async Task<DownAck?> OnBeatAsync(Beat beat)
    {
        if (beat.DeviceEpoch < store.State.DeviceEpoch)
        {
            return null;
        }

        var now = time.GetUtcNow();
        var before = _detector;
        _detector = FailureDetector.Heard(before, beat, now);
        if (_detector != before)
        {
            NoteQuality(before, beat, now);
            HearTest(beat, now);
        }

        _beat = beat;
        await SetPresenceAsync(Presence.Alive, "heard");
        LookBy(DeadlineOf(_detector));
        var leases = await Task.WhenAll(beat.Leases.Select(RenewAsync));
        var mirrors = await ReportAsync(beat);
        return new DownAck
        {
            ServerTime = now,
            BeatSequence = beat.Sequence,
            BootId = beat.BootId,
            Leases = [.. leases.OfType<LeaseGrant>()],
            Mirrors = mirrors,
            BirthWanted = store.State.Birth is not { } birth || birth.BootId != beat.BootId,
        };
    }

    public async Task<DownAck> OnDataAsync(DataBatch batch)
    {
        var highWater = await services.GetRequiredService<IDataSink>().CommitAsync(Id, batch, CancellationToken.None);
        return new DownAck
        {
            ServerTime = time.GetUtcNow(),
            Lanes = [new LaneAck { Stream = batch.Stream, Lane = batch.Lane, HighWater = highWater }],
        };
    }

    public async Task OnResultAsync(CommandResult result)
    {
        if (HearTest(result, time.GetUtcNow()))
        {
            return;
        }

        if (_probes.Remove(result.Id, out var probe))
        {
            await GrainFactory.GetGrain<IBusinessSystemGrain>(probe.Asker.Value).OnProbeAsync(Id, Site ?? default, result);
            return;
        }

        if (store.State.Find(result.Id) is not { IsOpen: true })
        {
            return;
        }

        if (result.Outcome == CommandOutcome.Progress)
        {
            _progress[result.Id] = result.Detail ?? "";
            return;
        }

        await SaveAsync(store.State.With(result));
        await TellAsync();
    }

    public async Task SendAsync(DeviceCommand command)
    {
        if (store.State.Find(command.Id) is { } there)
        {
            if (!there.IsOpen)
            {
                // Asked again: the asker has lost the answer, so it is told again, by the timer.
                store.State = store.State with { Outbox = [.. store.State.Outbox.Select(c => c.Command.Id == command.Id ? c with { Told = false } : c)] };
                LookSoon();
            }

            return;
        }

        await SaveAsync(store.State.With(command));
        await TransmitAsync(command);
    }

    public async Task ProbeAsync(SystemId asker, ProbeTargets probe)
    {
        var now = time.GetUtcNow();
        foreach (var old in _probes.Where(p => now - p.Value.At > DeviceOutbox.Grace).Select(p => p.Key).ToArray())
        {
            _probes.Remove(old);
        }

        _probes[probe.Id] = (asker, now);
        await TransmitAsync(probe);
    }

    public async Task OnOwnershipAsync(SystemId system, Epoch epoch)
    {
        if (store.State.Epochs.GetValueOrDefault(system) >= epoch)
        {
            return;
        }

        var epochs = new Dictionary<SystemId, Epoch>(store.State.Epochs) { [system] = epoch };
        await SaveAsync(store.State with { Epochs = epochs, ConfigVersion = NextVersion() });
        PushConfig();
    }

    public async Task OnActiveSiteAsync(SystemId system, ActiveSite active)
    {
        if (store.State.ActiveSites.GetValueOrDefault(system) is { } known && known.Epoch >= active.Epoch)
        {
            return;
        }

        var sites = new Dictionary<SystemId, ActiveSite>(store.State.ActiveSites) { [system] = active };
        await SaveAsync(store.State with { ActiveSites = sites, ConfigVersion = NextVersion() });
        PushConfig();
    }

    public async Task ConfigureAsync(DeviceSettings settings)
    {
        if (store.State.Settings is null || !SameSettings(store.State.Settings, settings))
        {
            await SaveAsync(store.State with { Settings = settings, ConfigVersion = NextVersion() });
        }

        PushConfig();
    }

    public Task<DeviceView> GetAsync() => Task.FromResult(new DeviceView
    {
        Id = Id,
        Site = Site,
        Roles = Roles,
        Presence = _presence,
        Since = _presenceSince,
        LastHeard = _detector?.ArrivedAt,
        Deadline = _detector is { } heard ? DeadlineOf(heard) : null,
        ClockSkewSeconds = _beat is { } beat && _detector is { } detector ? (beat.SentAt - detector.ArrivedAt).TotalSeconds : null,
        Phi = _detector is null ? null : FailureDetector.Phi(_detector, time.GetUtcNow()),
        HourClass = _beat?.HourClass ?? HourClass.Idle,
        PeriodMs = _beat?.NextDueMs,
        Software = store.State.Birth?.Software,
        DeviceEpoch = store.State.DeviceEpoch,
        OpenCommands =
        [
            .. store.State.Outbox.Where(c => c.IsOpen).Select(c => new CommandView
            {
                Id = c.Command.Id,
                Kind = c.Command.GetType().Name,
                IssuedAt = c.Command.IssuedAt,
                Deadline = c.Command.Deadline,
                Progress = _progress.GetValueOrDefault(c.Command.Id),
            }),
        ],
        Volumes = _beat?.Volumes ?? [],
        Systems = _beat?.Systems ?? [],
        Reach = _beat?.Reach ?? [],
        Class = Class.Name,
        LossRate = _detector?.LossRate,
        LatenessMs = _detector is { } d ? Math.Sqrt(d.DelayVariance) : null,
        DaysBetweenMistakes = DaysBetweenMistakes(),
    });

    private Task SaveAsync(DeviceRecord record)
    {
        LookSoon();
        return store.SaveAsync(record, onConflict: DeactivateOnIdle);
    }
}

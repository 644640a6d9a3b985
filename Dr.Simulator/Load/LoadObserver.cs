using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Decisions.Detection;

namespace Dr.Simulator.Load;

/// <summary>
/// Hears the whole fleet as a control plane does and judges each device with the control plane's own detector. A suspicion of a device that was on is a false one; a device that was switched off has to be
/// suspected.
/// </summary>
internal sealed class LoadObserver(LoadPlan plan, IBrokerConnector connector, BrokerAddress broker, TimeProvider time)
{
    private static readonly TimeSpan TickPeriod = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan ReconnectEvery = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly Dictionary<DeviceId, (DetectorState State, bool Suspected)> _devices = [];
    private readonly Dictionary<DeviceId, DateTimeOffset> _off = [];
    private readonly List<double> _delaysMs = [];
    private readonly List<double> _detectionSeconds = [];
    private LocalHealth _local = LocalHealth.StartedAt(time.GetUtcNow(), TickPeriod);
    private long _received;
    private long _late;
    private long _missing;
    private long _falseSuspicions;
    private bool _isDeaf;
    private long _notJudged;
    private long _dropped;

    /// <summary>Subscribes, so that nothing is missed, and then listens until told to stop.</summary>
    public async Task<Task> StartAsync(CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        return Task.WhenAll(ListenAsync(connection, cancellationToken), JudgeAsync(cancellationToken));
    }

    /// <summary>Whether each of them that is not switched off was heard after <paramref name="since"/>.</summary>
    public bool HeardSince(DateTimeOffset since, IReadOnlyList<LoadDevice> devices)
    {
        lock (_lock)
        {
            return devices.All(d => d.IsOff || (_devices.TryGetValue(d.Id, out var known) && known.State.ArrivedAt > since));
        }
    }

    public void SwitchedOff(DeviceId device)
    {
        lock (_lock)
        {
            _off[device] = time.GetUtcNow();
        }
    }

    public void SwitchedOn(DeviceId device)
    {
        lock (_lock)
        {
            _off.Remove(device);
        }
    }

    public void Fill(LoadSummary summary)
    {
        lock (_lock)
        {
            (summary.BeatsReceived, summary.BeatsMissing, summary.BeatsLate, summary.FalseSuspicions) = (_received, _missing, _late, _falseSuspicions);
            (summary.LooksNotJudged, summary.MessagesDropped) = (_notJudged, _dropped);
            summary.DevicesHeard = _devices.Count;
            summary.OutagesNoticed = _detectionSeconds.Count;
            _delaysMs.Sort();
            _detectionSeconds.Sort();
            (summary.DelayP50Ms, summary.DelayP99Ms) = (Percentile(_delaysMs, 0.5), Percentile(_delaysMs, 0.99));
            (summary.DetectionP50Seconds, summary.DetectionP95Seconds) = (Percentile(_detectionSeconds, 0.5), Percentile(_detectionSeconds, 0.95));
        }
    }

    private static double? Percentile(List<double> sorted, double share) => sorted.Count == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];

    private async Task<IBrokerConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = await connector.ConnectAsync(new BrokerSession { Broker = broker, ClientId = $"dr-sim-load-{plan.Seed}", SessionExpiry = TimeSpan.Zero, InboundCapacity = 100_000, ReceiveMaximum = ushort.MaxValue }, cancellationToken);
        await connection.SubscribeAsync([$"{Topics.Root}/+/+/up/{UpChannel.Beat}"], cancellationToken);
        return connection;
    }

    /// <summary>Of a broker that this run restarts; while it is away nobody can be heard, and so nobody is judged, as the control plane has it.</summary>
    private async Task<IBrokerConnection?> ConnectAgainAsync(CancellationToken cancellationToken)
    {
        SetDeaf(true);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var connection = await ConnectAsync(cancellationToken);
                SetDeaf(false);
                return connection;
            }
            catch (Exception failure) when (failure is OperationCanceledException or DrException { IsTransient: true })
            {
                await Task.Delay(ReconnectEvery, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return null;
    }

    private void SetDeaf(bool isDeaf)
    {
        lock (_lock)
        {
            _isDeaf = isDeaf;
            _local = _local.LinkRestored(time.GetUtcNow());
        }
    }

    private async Task ListenAsync(IBrokerConnection first, CancellationToken cancellationToken)
    {
        for (var connection = first; connection is not null; connection = plan.Restart is null ? null : await ConnectAgainAsync(cancellationToken))
        {
            await HearAsync(connection, cancellationToken);
        }
    }

    /// <summary>Returns when the run ends, or the connection does and the broker is one that is restarted.</summary>
    private async Task HearAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        await using (connection)
        {
            try
            {
                await foreach (var message in connection.Inbound.ReadAllAsync(cancellationToken))
                {
                    if (Topics.TryParse(message.Topic, out var device, out _) && device.Value.StartsWith("load-", StringComparison.Ordinal) && message.TryDecode(MqttJson.Default.Beat, out var beat, out _))
                    {
                        Hear(device, beat);
                    }

                    await message.AcknowledgeAsync(cancellationToken);
                }

                if (plan.Restart is null)
                {
                    throw new DrException($"The broker {broker} ended the listener's connection: {(await connection.Closed).Detail}.", "Look at the broker's limits for one client's queue.");
                }
            }
            catch (OperationCanceledException)
            {
                // The run ends.
            }

            Interlocked.Add(ref _dropped, connection.Dropped);
        }
    }

    private void Hear(DeviceId device, Beat beat)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            _received++;
            var delay = (now - beat.SentAt).TotalMilliseconds;
            _delaysMs.Add(delay);
            _late += now - beat.SentAt > LoadPlan.LateAfter ? 1 : 0;
            var before = _devices.GetValueOrDefault(device).State;
            _missing += before is not null && before.BootId == beat.BootId && beat.Sequence > before.Sequence ? beat.Sequence - before.Sequence - 1 : 0;
            _devices[device] = (FailureDetector.Heard(before, beat, now), false);
        }
    }

    private async Task JudgeAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TickPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                Judge(time.GetUtcNow());
            }
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }

    private void Judge(DateTimeOffset now)
    {
        lock (_lock)
        {
            _local = _isDeaf ? _local.Tick(now).LinkRestored(now) : _local.Tick(now);
            foreach (var (device, (state, suspected)) in _devices)
            {
                if (suspected || now - state.ArrivedAt < plan.Alpha)
                {
                    continue;
                }

                var liveness = FailureDetector.Judge(state, plan.Alpha, _local, now).Liveness;
                _notJudged += liveness == Liveness.NotJudged ? 1 : 0;
                if (liveness != Liveness.Overdue)
                {
                    continue;
                }

                _devices[device] = (state, true);
                if (_off.TryGetValue(device, out var since))
                {
                    _detectionSeconds.Add((now - since).TotalSeconds);
                }
                else
                {
                    _falseSuspicions++;
                }
            }
        }
    }
}

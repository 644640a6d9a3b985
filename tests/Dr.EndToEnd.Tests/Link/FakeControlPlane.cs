using System.Collections.Concurrent;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Ingress;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>What the grains would do with a device's messages, in memory; rows are taken by the real rule.</summary>
internal sealed class FakeControlPlane : IDeviceCalls
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(DeviceId Device, Guid Stream, int Lane), List<DataRow>> _rows = [];

    public ConcurrentQueue<(DeviceId Device, Birth Birth)> Births { get; } = new();

    public ConcurrentQueue<(DeviceId Device, DeviceState State)> States { get; } = new();

    public ConcurrentQueue<(DeviceId Device, Beat Beat)> Beats { get; } = new();

    public ConcurrentQueue<(DeviceId Device, CommandResult Result)> Results { get; } = new();

    public ConcurrentQueue<LanePlan> Losses { get; } = new();

    /// <summary>Every n-th batch is not answered, as if its call had failed; 0 = all are.</summary>
    public int FailEvery { get; set; }

    public bool BirthWanted { get; set; }

    private int _batches;

    public Task OnBirthAsync(DeviceId device, Birth birth, CancellationToken cancellationToken)
    {
        Births.Enqueue((device, birth));
        return Task.CompletedTask;
    }

    public Task OnStateAsync(DeviceId device, DeviceState state, CancellationToken cancellationToken)
    {
        States.Enqueue((device, state));
        return Task.CompletedTask;
    }

    public Task<DownAck?> OnBeatAsync(DeviceId device, Beat beat, CancellationToken cancellationToken)
    {
        Beats.Enqueue((device, beat));
        return Task.FromResult<DownAck?>(new DownAck
        {
            ServerTime = DateTimeOffset.UtcNow,
            BeatSequence = beat.Sequence,
            BootId = beat.BootId,
            BirthWanted = BirthWanted,
            Leases = [.. beat.Leases.Select(l => new LeaseGrant { System = l.System, Epoch = l.Epoch, Granted = true, Ttl = TimeSpan.FromSeconds(6) })],
        });
    }

    public Task<DownAck> OnDataAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (FailEvery > 0 && ++_batches % FailEvery == 0)
            {
                throw new IOException("The storage is away for this batch.");
            }

            var rows = RowsOf(device, batch.Stream, batch.Lane);
            var plan = LaneCommit.Plan(rows.Count, batch);
            if (plan.LostFrom > 0)
            {
                Losses.Enqueue(plan);
            }

            if (!plan.ChangesNothing(batch.Rows.Count))
            {
                rows.AddRange(batch.Rows.Skip(plan.Skip));
            }

            return Task.FromResult(new DownAck
            {
                ServerTime = DateTimeOffset.UtcNow,
                Lanes = [new LaneAck { Stream = batch.Stream, Lane = batch.Lane, HighWater = rows.Count }],
            });
        }
    }

    public Task OnResultAsync(DeviceId device, CommandResult result, CancellationToken cancellationToken)
    {
        Results.Enqueue((device, result));
        return Task.CompletedTask;
    }

    /// <summary>Rows of all streams of a lane, in the order they were committed.</summary>
    public List<DataRow> Rows(DeviceId device, int lane)
    {
        lock (_gate)
        {
            return [.. _rows.Where(r => r.Key.Device == device && r.Key.Lane == lane).SelectMany(r => r.Value)];
        }
    }

    private List<DataRow> RowsOf(DeviceId device, Guid stream, int lane)
    {
        if (!_rows.TryGetValue((device, stream, lane), out var rows))
        {
            _rows[(device, stream, lane)] = rows = [];
        }

        return rows;
    }
}

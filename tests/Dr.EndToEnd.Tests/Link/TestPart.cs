using System.Collections.Concurrent;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Link;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>A part of an edge: executes checks of systems, asks for a lease, hears of leases.</summary>
internal sealed class TestPart : ICommandExecutor, IBeatContributor, ILeaseListener
{
    private int _executed;

    public int Executed => Volatile.Read(ref _executed);

    public LeaseRequest? Lease { get; set; }

    public TaskCompletionSource? Hold { get; set; }

    public ConcurrentQueue<(LeaseGrant Grant, long SentAt, long HeardAt)> Leases { get; } = new();

    public bool Handles(DeviceCommand command) => command is CheckSystem;

    public bool BreaksDown { get; set; }

    /// <summary>The command that an earlier run of this part has done.</summary>
    public string? DoneBefore { get; set; }

    public CommandResult? FindDone(DeviceCommand command) => command.Id.Value == DoneBefore ? new CommandResult { Id = command.Id, Outcome = CommandOutcome.Done } : null;

    public async Task<CommandResult> ExecuteAsync(DeviceCommand command, Action<string> progress, CancellationToken cancellationToken)
    {
        var count = Interlocked.Increment(ref _executed);
        progress("half way");
        if (BreaksDown)
        {
            throw new Contracts.Errors.InvariantException("stopped before doing harm");
        }

        if (Hold is { } hold)
        {
            await hold.Task.WaitAsync(cancellationToken);
        }

        return new CommandResult { Id = command.Id, Outcome = CommandOutcome.Done, Evidence = new Dictionary<string, string> { ["count"] = $"{count}" } };
    }

    /// <summary>What it has to say fails from now on.</summary>
    public bool IsMute { get; set; }

    public void Contribute(BeatDraft draft)
    {
        if (IsMute)
        {
            throw new NotSupportedException("a fault that nobody thought of");
        }

        if (Lease is { } lease)
        {
            draft.Leases.Add(lease);
        }
    }

    public void OnLease(LeaseGrant grant, long sentAtTimestamp) => Leases.Enqueue((grant, sentAtTimestamp, TimeProvider.System.GetTimestamp()));
}

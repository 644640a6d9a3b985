namespace Dr.Silo.Grains;

/// <summary>The rules of a device's outbox. Pure.</summary>
public static class DeviceOutbox
{
    /// <summary>Finished commands that are remembered, so that a repeated id gets the stored result instead of a second execution.</summary>
    public const int Remembered = 200;

    /// <summary>Long enough for a device that executed in time to come back and say so.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    public static readonly TimeSpan ResendAfter = TimeSpan.FromSeconds(5);

    public static OutboxCommand? Find(this DeviceRecord record, CommandId id) => record.Outbox.FirstOrDefault(c => c.Command.Id == id);

    public static DeviceRecord With(this DeviceRecord record, DeviceCommand command) => record with { Outbox = Trim([.. record.Outbox, new OutboxCommand { Command = command }]) };

    /// <summary>The first final result stays; progress and repeats change nothing.</summary>
    public static DeviceRecord With(this DeviceRecord record, CommandResult result) => result.Outcome == CommandOutcome.Progress
        ? record
        : record with { Outbox = Trim([.. record.Outbox.Select(c => c.Command.Id == result.Id && c.IsOpen ? c with { Result = result } : c)]) };

    public static DeviceRecord Told(this DeviceRecord record, CommandId id) =>
        record with { Outbox = [.. record.Outbox.Select(c => c.Command.Id == id ? c with { Told = true } : c)] };

    /// <summary>Results for commands whose deadline is well past: nobody will answer them any more.</summary>
    public static IReadOnlyList<CommandResult> Expired(this DeviceRecord record, DateTimeOffset now) =>
    [
        .. record.Outbox.Where(c => c.IsOpen && now > c.Command.Deadline + Grace).Select(c => new CommandResult
        {
            Id = c.Command.Id,
            Outcome = CommandOutcome.Expired,
            Detail = "No answer came before the deadline.",
            StartedAt = c.Command.IssuedAt,
            FinishedAt = now,
        }),
    ];

    private static OutboxCommand[] Trim(OutboxCommand[] outbox)
    {
        var drop = outbox.Count(c => !c.IsOpen) - Remembered;
        return drop <= 0 ? outbox : [.. outbox.Where(c => c.IsOpen || drop-- <= 0)];
    }
}

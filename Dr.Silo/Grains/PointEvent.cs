namespace Dr.Silo.Grains;

/// <summary>
/// The event of kind <c>volume.point</c>: what became of a point that the control plane asked for. Points that an appliance takes by itself, by the policy that it was told, are no command and have no event. Pure.
/// </summary>
internal static class PointEvent
{
    public const string Kind = "volume.point";

    /// <summary>
    /// Its data: <c>command</c>, <c>appliance</c>, <c>outcome</c> and <c>finishedAt</c> (the appliance's clock); of a point that was taken also <c>point</c>, <c>sequence</c>, <c>consistency</c>; and where they are known <c>reason</c>
    /// (why it is only crash-consistent, what quiesced it, or why there is none), <c>label</c> and <c>purpose</c>.
    /// </summary>
    /// <returns>With the key under which it is written once, however often the result is told.</returns>
    public static (string? Key, EventRecord Record) Of(DeviceId appliance, TakePoint command, CommandResult result, DateTimeOffset now)
    {
        var isTaken = result.Outcome == CommandOutcome.Done;
        var reason = isTaken ? result.Evidence.GetValueOrDefault("reason") : result.Detail ?? result.Outcome.ToString();
        Dictionary<string, string> data = new()
        {
            ["command"] = command.Id.Value,
            ["appliance"] = appliance.Value,
            ["outcome"] = result.Outcome.ToString(),
            ["finishedAt"] = result.FinishedAt.ToString("O", CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in new[]
                 {
                     ("point", result.Evidence.GetValueOrDefault("point")), ("sequence", result.Evidence.GetValueOrDefault("sequence")), ("consistency", result.Evidence.GetValueOrDefault("consistency")),
                     ("reason", reason), ("label", command.Label), ("purpose", command.Purpose),
                 })
        {
            if (value is not null)
            {
                data[name] = value;
            }
        }

        return ($"{Kind}/{command.Id}", new EventRecord
        {
            At = now,
            Kind = Kind,
            Subject = command.Volume,
            Severity = isTaken ? Severity.Information : Severity.Warning,
            Text = isTaken
                ? $"Point {result.Evidence.GetValueOrDefault("point")} of {command.Volume} was taken, {Mark(result)}{(reason is null ? "" : $" ({reason})")}."
                : $"The point of {command.Volume} was not taken by {appliance} ({result.Outcome}): {reason}",
            Data = data,
        });
    }

    private static string Mark(CommandResult result) => result.Evidence.GetValueOrDefault("consistency") switch
    {
        nameof(PointConsistency.Application) => "application-consistent",
        nameof(PointConsistency.Crash) => "crash-consistent",
        _ => "its consistency not told",
    };
}

using Dr.Contracts.Cli;

namespace Dr.Simulator.Replay;

/// <summary>Which faults are to be told: <c>dilas</c>, <c>dilas/2012-02-01</c>, <c>dilas/2012-02-01/2</c> for the second of that day.</summary>
internal sealed record ExplainTarget(SystemId System, DateOnly? Day, int? Number)
{
    public static ExplainTarget Parse(string text)
    {
        var parts = text.Split('/');
        DateOnly? day = null;
        int? number = null;
        if (parts.Length is < 1 or > 3 || !Names.IsValid(parts[0]))
        {
            throw Bad(text);
        }

        if (parts.Length > 1)
        {
            day = DateOnly.TryParseExact(parts[1], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed) ? parsed : throw Bad(text);
        }

        if (parts.Length > 2)
        {
            number = int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 ? n : throw Bad(text);
        }

        return new ExplainTarget(new SystemId(parts[0]), day, number);
    }

    /// <summary>The faults meant, in their order.</summary>
    /// <exception cref="DrException">There is none; the hint says which there are.</exception>
    public IReadOnlyList<IncidentResult> Of(ReplayResult result)
    {
        var own = result.Incidents.Where(i => i.System == System).ToArray();
        if (own.Length == 0)
        {
            throw new DrException($"The log has no fault of '{System}'.", $"It has faults of {string.Join(", ", result.Systems.Select(s => s.System.Value))}.");
        }

        var that = own.Where(i => Day is null || DateOnly.FromDateTime(i.Strike.ToOffset(ServiceHours.Zone).DateTime) == Day).ToArray();
        if (that.Length == 0 || Number > that.Length)
        {
            throw new DrException(
                Number > 1 && that.Length > 0 ? $"'{System}' has {that.Length} fault(s) on {Day:yyyy-MM-dd}, not {Number}." : $"'{System}' has no fault on {Day:yyyy-MM-dd}.",
                $"It has faults on {string.Join(", ", own.Select(i => i.Strike.ToOffset(ServiceHours.Zone).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).Distinct())}.");
        }

        return Number is { } n ? [that[n - 1]] : that;
    }

    private static UsageException Bad(string text) => new($"'{text}' names no fault.", "Write SYSTEM, SYSTEM/DATE or SYSTEM/DATE/NUMBER, for example dilas/2012-02-01 or dilas/2012-02-01/2.");
}

using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;

namespace Dr.Simulator.Replay;

/// <summary>One line of table 1.</summary>
/// <param name="Date">Null for the equipment faults, which have none.</param>
internal sealed record FaultEntry(
    int Line, SystemId System, string NameZh, string Name, SystemKind Kind, string DateAsPrinted, DateOnly? Date, string SymptomZh, string Symptom, IReadOnlyList<string> FaultTypes, string Note);

internal enum SystemKind
{
    RealTime,
    Archive,
    Equipment,
}

/// <summary>What table 1 prints for one system.</summary>
internal sealed record PrintedSummary(SystemId System, SystemKind Kind, int Days, double RatePercent);

/// <summary>The three tables that a replay needs.</summary>
internal sealed record FaultYear(IReadOnlyList<FaultEntry> Log, IReadOnlyList<PrintedSummary> Summary, IReadOnlyList<BackupPolicy> Policies);

/// <summary>Reads the tables: the paper's own, which travel inside the program, or files.</summary>
internal static class FaultLog
{
    private static readonly string[] KnownTypes = ["os", "database", "middleware", "server", "network", "hardware"];

    public static FaultYear Load(string? logFile, string? policyFile)
    {
        using var log = Open(logFile, "fault-log-2011-2012.csv");
        using var policies = Open(policyFile, "backup-policies.csv");
        using var summary = Open(null, "fault-summary-2011-2012.csv");
        return new FaultYear(
            ParseLog(log, logFile ?? "fault-log-2011-2012.csv"),
            // What the paper printed says nothing about another year's log.
            logFile is null ? ParseSummary(summary, "fault-summary-2011-2012.csv") : [],
            PolicyCsv.Parse(policies, policyFile ?? "backup-policies.csv"));
    }

    /// <summary>The policies alone: of a file, or the paper's table 2.</summary>
    public static IReadOnlyList<BackupPolicy> LoadPolicies(string? file)
    {
        using var policies = Open(file, "backup-policies.csv");
        return PolicyCsv.Parse(policies, file ?? "backup-policies.csv");
    }

    public static IReadOnlyList<FaultEntry> ParseLog(TextReader text, string file)
    {
        var table = CsvTable.Read(text, file, "system_id", "system_name_zh", "system_name_en", "kind", "date_as_printed", "date", "symptom_zh", "symptom_en", "fault_type", "note");
        if (table.Lines.Count == 0)
        {
            throw new DrException($"{file}: there is no fault in it.", "Give at least one line after the header.");
        }

        return [.. table.Lines.Select(Entry)];
    }

    public static IReadOnlyList<PrintedSummary> ParseSummary(TextReader text, string file) =>
        [.. CsvTable.Read(text, file, "system_id", "kind", "days_counted", "rate_printed_percent").Lines.Select(line => new PrintedSummary(
            new SystemId(line.Required("system_id")), Kind(line), line.Count("days_counted", "Write the number of days."), line.Positive("rate_printed_percent", "Write the per cent.")))];

    private static FaultEntry Entry(CsvLine line)
    {
        var id = line.Required("system_id");
        if (!Names.IsValid(id))
        {
            throw line.Bad("system_id", $"'{id}' is not a system id", "Use letters, digits, hyphens, dots and underscores, at most 64.");
        }

        var kind = Kind(line);
        DateOnly? date = null;
        if (line["date"].Length > 0)
        {
            date = DateOnly.TryParseExact(line["date"], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed)
                ? parsed
                : throw line.Bad("date", $"'{line["date"]}' is not a date", "Write it as 2012-02-01; only equipment may have none.");
        }
        else if (kind != SystemKind.Equipment)
        {
            throw line.Bad("date", "must not be empty", "Write it as 2012-02-01; only equipment may have none.");
        }

        var types = line.Required("fault_type").Split('|');
        if (types.FirstOrDefault(t => !KnownTypes.Contains(t)) is { } unknown)
        {
            throw line.Bad("fault_type", $"'{unknown}' is not a fault type", $"Use {string.Join(", ", KnownTypes)}; several separated by |.");
        }

        return new FaultEntry(line.Number, new SystemId(id), line["system_name_zh"], line["system_name_en"], kind, line["date_as_printed"], date, line["symptom_zh"], line["symptom_en"], types, line["note"]);
    }

    private static SystemKind Kind(CsvLine line) => line.Required("kind") switch
    {
        "realtime" => SystemKind.RealTime,
        "archive" => SystemKind.Archive,
        "device" => SystemKind.Equipment,
        var other => throw line.Bad("kind", $"'{other}' is not a kind", "Write realtime, archive or device."),
    };

    private static StreamReader Open(string? file, string embedded)
    {
        if (file is null)
        {
            return new StreamReader(typeof(FaultLog).Assembly.GetManifestResourceStream(embedded)
                ?? throw new InvariantException($"The table {embedded} is not in the program."));
        }

        try
        {
            return new StreamReader(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{file}: cannot be read: {e.Message}", "Check the path and the permissions.", e);
        }
    }
}

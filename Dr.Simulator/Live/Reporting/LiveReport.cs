using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.Judging;
using Dr.Simulator.Reports;

namespace Dr.Simulator.Live.Reporting;

/// <summary>A run that came to its end: what struck, what was noticed, taken over and lost, how long clients waited, and which promises were kept.</summary>
internal sealed record LiveReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, Converters = { new JsonStringEnumConverter() }, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public required ulong Seed { get; init; }

    public required IReadOnlyList<LiveFaultKind> Kinds { get; init; }

    public required DateTimeOffset BeganAt { get; init; }

    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>How a slow line was made: depends on the kernel.</summary>
    public required string SlowLine { get; init; }

    public required IReadOnlyList<FaultStory> Stories { get; init; }

    public required IReadOnlyList<TimelineEntry> Timeline { get; init; }

    /// <summary>How often a run waited for a person and was told to go on.</summary>
    public required int Interventions { get; init; }

    public required LiveEvidence Evidence { get; init; }

    public required IReadOnlyList<LiveCheck> Checks { get; init; }

    public bool IsKept => Checks.All(c => c.Holds);

    /// <summary>To standard output, and to the file that was asked for.</summary>
    public async Task WriteAsync(LiveOptions options, string logs)
    {
        await Console.Out.WriteLineAsync(options.Json ? ToJson() : LiveReportText.Of(this));
        if (options.Report is { } path)
        {
            await ReportFile.WriteAsync(path, Path.GetExtension(path) == ".json" ? ToJson() : LiveReportPage.Of(this), CancellationToken.None);
            if (!IsKept)
            {
                SaveLogs(path, logs);
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>What every part printed, in a folder beside the report.</summary>
    public static void SaveLogs(string report, string logs)
    {
        var folder = Path.ChangeExtension(report, null) + "-logs";
        if (Directory.Exists(logs))
        {
            Directory.CreateDirectory(folder);
            foreach (var log in Directory.EnumerateFiles(logs))
            {
                File.Copy(log, Path.Combine(folder, Path.GetFileName(log)), overwrite: true);
            }
        }
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Simulator.Load;

/// <summary>What came of a run. Times in the units that the names say.</summary>
internal sealed class LoadSummary
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public required int Devices { get; init; }

    public required string Broker { get; init; }

    public double BeatSeconds { get; set; }

    /// <summary>Time until all were connected.</summary>
    public double ConnectSeconds { get; set; }

    public double RunSeconds { get; set; }

    /// <summary>False: it was stopped before its time.</summary>
    public bool Complete { get; set; }

    public int MostConnected { get; set; }

    public long Connects { get; set; }

    public long Reconnects { get; set; }

    public long ConnectFailures { get; set; }

    public string? LastFailure { get; set; }

    public int DevicesHeard { get; set; }

    public long BeatsSent { get; set; }

    public long BeatsReceived { get; set; }

    /// <summary>Gaps in the numbering: never arrived.</summary>
    public long BeatsMissing { get; set; }

    /// <summary>More than <see cref="LoadPlan.LateAfter"/> on the way.</summary>
    public long BeatsLate { get; set; }

    public double? DelayP50Ms { get; set; }

    public double? DelayP99Ms { get; set; }

    /// <summary>Answers of a control plane; zero when only a broker listens.</summary>
    public long Acknowledgements { get; set; }

    public int Storms { get; set; }

    /// <summary>Of each storm: seconds until as many were connected again as before.</summary>
    public List<double> StormSeconds { get; } = [];

    /// <summary>From the command that restarts the broker until every device was connected again, s; null without a restart.</summary>
    public double? RestartConnectedSeconds { get; set; }

    /// <summary>The same until the listener had heard every device again, s.</summary>
    public double? RestartHeardSeconds { get; set; }

    /// <summary>The same until a control plane had answered a beat of every device again, s; null also when none listens.</summary>
    public double? RestartAnsweredSeconds { get; set; }

    public int Outages { get; set; }

    public int OutagesNoticed { get; set; }

    public double? DetectionP50Seconds { get; set; }

    public double? DetectionP95Seconds { get; set; }

    public long FalseSuspicions { get; set; }

    /// <summary>Devices that were overdue and not judged, because the listener had trouble of its own; summed over its looks.</summary>
    public long LooksNotJudged { get; set; }

    public long MessagesDropped { get; set; }

    /// <summary>Of this process: the fleet, the listener, and the broker if it is the embedded one.</summary>
    public long MemoryMiB { get; set; }

    public double CpuSeconds { get; set; }

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"""
        {Devices} devices at {BeatSeconds:0.###} s on {Broker}: {MostConnected} connected within {ConnectSeconds:0.0} s, followed for {RunSeconds:0.0} s{(Complete ? "" : " (stopped early)")}
          sent        {BeatsSent} beats, {Connects} connects of which {Reconnects} again, {ConnectFailures} failed{(LastFailure is null ? "" : $" (last: {LastFailure})")}
          received    {BeatsReceived} beats of {DevicesHeard} devices; {BeatsMissing} missing, {BeatsLate} late (over {LoadPlan.LateAfter.TotalSeconds:0.#} s); on the way p50 {DelayP50Ms ?? 0:0.0} ms, p99 {DelayP99Ms ?? 0:0.0} ms
          answered    {Acknowledgements} acknowledgements of a control plane
          storms      {Storms}{(StormSeconds.Count == 0 ? "" : $", connected again after {string.Join(", ", StormSeconds.Select(s => s.ToString("0.0", CultureInfo.InvariantCulture)))} s")}
          restart     {(RestartConnectedSeconds is null ? "none of the broker" : $"of the broker: all connected again after {RestartConnectedSeconds:0.0} s, heard after {RestartHeardSeconds:0.0} s{(RestartAnsweredSeconds is null ? "" : $", answered by the control plane after {RestartAnsweredSeconds:0.0} s")}")}
          outages     {Outages}, {OutagesNoticed} noticed{(DetectionP50Seconds is null ? "" : $" after p50 {DetectionP50Seconds:0.0} s, p95 {DetectionP95Seconds:0.0} s")}
          suspicions  {FalseSuspicions} false; {LooksNotJudged} not judged for trouble of the listener's own
          cost        {MemoryMiB} MiB, {CpuSeconds:0.0} s of processor time
        """);
}

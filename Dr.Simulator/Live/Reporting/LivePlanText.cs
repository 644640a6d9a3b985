using Dr.Simulator.Live.Faults;

namespace Dr.Simulator.Live.Reporting;

/// <summary>The faults that a run would strike with, if each were healed as fast as it can be; a real run has fewer when healing takes longer.</summary>
internal static class LivePlanText
{
    public static string Of(LiveOptions options)
    {
        List<string> lines = [];
        var at = TimeSpan.Zero;
        foreach (var fault in LiveSchedule.Draw(options.Seed, options.Kinds).TakeWhile(f => LiveSchedule.Fits(f, options.Length - at, LiveSchedule.Healing)))
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{at:hh\\:mm\\:ss}  #{fault.Number} {fault.Name}"));
            at += fault.Lasts + LiveSchedule.Healing + fault.Rest;
        }

        return lines.Count > 0 ? string.Join('\n', lines) : "No fault fits into that time.";
    }
}

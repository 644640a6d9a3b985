using Dr.Contracts.Cli;

namespace Dr.Silo.Api;

/// <summary>Durations in requests: always given, never without an end.</summary>
internal static class Durations
{
    /// <summary>Null when <paramref name="text"/> is a duration above zero and at most <paramref name="most"/>.</summary>
    public static IResult? Parse(string? text, TimeSpan most, out TimeSpan duration)
    {
        duration = default;
        try
        {
            duration = text is null ? default : Quantities.ParseDuration(text, "for");
        }
        catch (DrException e)
        {
            return ApiProblem.BadRequest(e.Message, e.Hint ?? "", "Mend it.");
        }

        return duration > TimeSpan.Zero && duration <= most
            ? null
            : ApiProblem.BadRequest("An end is missing, or too far away.", $"for takes a duration above zero and at most {most.TotalHours:0}h.", "Send for, for example 2h.");
    }
}

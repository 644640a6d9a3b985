using System.Runtime.InteropServices;

namespace Dr.Edge.Host.Processes;

/// <summary>A process that is told from a later one with the same id by its start time.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ProcessMark(int Id, long StartTicks);

/// <summary>One line of <c>/proc/PID/stat</c>, as far as it is needed here.</summary>
internal sealed record ProcessEntry(int Id, string Name, char State, int Parent, int Group, int Session, long StartTicks)
{
    /// <summary>A zombie holds no file, no memory and no socket: it has ended, and only its parent has not looked.</summary>
    public bool IsEnded => State is 'Z' or 'X';

    public ProcessMark Mark => new(Id, StartTicks);

    /// <summary>Null when the text is not such a line. The name stands in parentheses and may itself contain some.</summary>
    public static ProcessEntry? Parse(string stat)
    {
        var open = stat.IndexOf('(', StringComparison.Ordinal);
        var close = stat.LastIndexOf(')');
        if (open < 1 || close < open)
        {
            return null;
        }

        var rest = stat[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return rest.Length < 20
            ? null
            : new ProcessEntry(Number(stat[..open]), stat[(open + 1)..close], rest[0][0], Number(rest[1]), Number(rest[2]), Number(rest[3]), long.Parse(rest[19], CultureInfo.InvariantCulture));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}

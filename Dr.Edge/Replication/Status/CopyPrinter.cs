using System.Text;

namespace Dr.Edge.Replication.Status;

/// <summary>
/// A list of copies as people read it: lines, not a table, because addresses, ids and reasons must stay whole for eyes, pipes and grep, however narrow the terminal is. Pure.
/// </summary>
internal static class CopyPrinter
{
    /// <summary>Short enough that what is beside it stays on one line of 80 columns.</summary>
    private const int BarWidth = 20;

    public static string Print(CopyList list)
    {
        var text = new StringBuilder();
        if (list.Copies.Count == 0)
        {
            return text.AppendLine(CultureInfo.InvariantCulture, $"{list.Volume} ({list.Role.ToString().ToLowerInvariant()}, epoch {list.Epoch}) has no copies.").ToString();
        }

        foreach (var copy in list.Copies)
        {
            Print(text, list.Volume, copy);
        }

        return text.ToString();
    }

    private static void Print(StringBuilder text, string volume, CopyStatus copy)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"{volume} -> {copy.Peer}  {copy.Mode.ToString().ToLowerInvariant()}  {Describe(copy.State)}{(copy.Detail is null ? "" : $": {copy.Detail}")}");
        if (copy.WorkTotalBytes > 0)
        {
            Line(text, "progress", $"{Bar(copy.WorkDoneBytes, copy.WorkTotalBytes)}  {Bytes(copy.WorkDoneBytes)} of {Bytes(copy.WorkTotalBytes)}");
            Line(text, "time to go", copy.EtaSeconds is { } eta ? Duration(eta) : "not known yet");
        }

        Line(text, "durable there", copy.Durable == SequenceNumber.Zero
            ? "nothing yet"
            : $"write {copy.Durable}, behind by {Bytes(copy.LagBytes)}, {(copy.LagSeconds < 0 ? "age unknown" : string.Create(CultureInfo.InvariantCulture, $"{copy.LagSeconds:0.0} s"))}");

        if (copy.Mirror != MirrorState.None)
        {
            Line(text, "mirror", copy.Mirror == MirrorState.Whole ? $"whole: writes wait until {(copy.Ack == MirrorAck.Durable ? "they are on its disk" : "it has them")}" : $"out of date{(copy.OutOfDateSince is { } since ? $" since {Time(since)}" : "")}: writes do not wait for it");
        }

        Line(text, "common point", copy.LastCommonPoint is { } point ? $"{point.Value}{(copy.LastCommonPointAt is { } at ? $" of {Time(at)}" : "")}" : "none");
        var ratio = copy.ChangedBytes > 0 ? string.Create(CultureInfo.InvariantCulture, $" (ratio {(double)copy.WireBytes / copy.ChangedBytes:0.00})") : "";
        Line(text, "on the wire", $"{Bytes(copy.WireBytes)} for {Bytes(copy.ChangedBytes)} of changes{ratio}");
        Line(text, "rate", $"{Bytes((long)copy.BytesPerSecond)}/s{(copy.BandwidthClass is { } line ? $", class {line}" : "")}");
        if (copy.HoldBudgetBytes > 0 && copy.Durable > SequenceNumber.Zero)
        {
            Line(text, "held for it", $"{Bytes(copy.HeldBytes)} of at most {Bytes(copy.HoldBudgetBytes)}");
        }

        if (copy.DivergentBlocks > 0)
        {
            Line(text, "differed", $"{copy.DivergentBlocks} blocks, sent whole");
        }

        foreach (var gap in copy.Gaps)
        {
            Line(text, "gap", $"writes {gap.After} to {gap.UpTo} since {Time(gap.Since)}, {(gap.ClosedAt is { } closed ? $"closed {Time(closed)}" : "open")}");
            Line(text, "", gap.Reason);
        }
    }

    private static void Line(StringBuilder text, string name, string value) => text.Append("  ").Append(name.PadRight(17)).AppendLine(value);

    private static string Bar(long done, long total)
    {
        var share = Math.Clamp((double)done / total, 0, 1);
        var full = (int)(share * BarWidth);
        return string.Create(CultureInfo.InvariantCulture, $"[{new string('#', full)}{new string('-', BarWidth - full)}] {share * 100:0} %");
    }

    private static string Describe(CopyState state) => state switch
    {
        CopyState.CatchingUp => "catching up",
        CopyState.Seeding => "first copy under way",
        _ => state.ToString().ToLowerInvariant(),
    };

    private static string Duration(double seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60} min {(int)seconds % 60} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)(seconds / 3600)} h {(int)(seconds % 3600) / 60} min"),
    };

    private static string Bytes(long count) => Quantities.FormatSize(count);

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

namespace Dr.Edge.Link;

/// <summary>The share of all processors that was busy since the last reading, from <c>/proc/stat</c>; 0 where there is none.</summary>
internal sealed class CpuMeter
{
    private const string Source = "/proc/stat";
    private const int IdleField = 3;
    private const int IoWaitField = 4;

    private (long Busy, long Total)? _last;

    public double Read()
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        using var reader = new StreamReader(Source);
        var line = reader.ReadLine() ?? string.Empty;
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        if (fields.Length <= IoWaitField)
        {
            return 0;
        }

        var total = fields.Sum();
        var busy = total - fields[IdleField] - fields[IoWaitField];
        var last = _last;
        _last = (busy, total);
        return last is { } before && total > before.Total ? Math.Round(Math.Clamp((busy - before.Busy) / (double)(total - before.Total), 0, 1), 2) : 0;
    }
}

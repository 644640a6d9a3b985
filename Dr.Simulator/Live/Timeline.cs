namespace Dr.Simulator.Live;

/// <summary>What happened when, in the order in which it was noted. Safe for several threads.</summary>
internal sealed class Timeline(TimeProvider time, Action<TimelineEntry>? follow = null)
{
    private readonly List<TimelineEntry> _entries = [];
    private readonly Lock _lock = new();

    public IReadOnlyList<TimelineEntry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    public void Note(TimelineKind kind, string what)
    {
        var entry = new TimelineEntry(time.GetUtcNow(), kind, what);
        lock (_lock)
        {
            _entries.Add(entry);
        }

        follow?.Invoke(entry);
    }
}

internal enum TimelineKind
{
    Fault,
    Repair,
    System,
    Person,
}

internal readonly record struct TimelineEntry(DateTimeOffset At, TimelineKind Kind, string What);

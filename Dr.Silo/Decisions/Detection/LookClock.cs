namespace Dr.Silo.Decisions.Detection;

/// <summary>
/// When somebody who watches one device looks next, and whether he came in time. Who comes late to a look that was due stood still himself: what the device sent meanwhile may be waiting behind it,
/// unread, so its silence is not judged until it has had a whole promise to be heard again.
/// </summary>
public sealed class LookClock(DateTimeOffset now)
{
    /// <summary>How soon he looks again while something is under way.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>A look that comes this much later than it was due was held up.</summary>
    public static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(1);

    /// <summary>No look in quick succession, whatever was computed.</summary>
    public static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(50);

    private DateTimeOffset _heldUpAt;

    /// <summary>When he looks next.</summary>
    public DateTimeOffset Due { get; private set; } = now + Tick;

    /// <summary>How long until then.</summary>
    public TimeSpan Wait(DateTimeOffset now) => Due > now ? Due - now : TimeSpan.Zero;

    /// <summary>He looks now, and again in a <see cref="Tick"/> if nothing else is said.</summary>
    public void Look(DateTimeOffset now)
    {
        if (now - Due > LateAfter)
        {
            _heldUpAt = now;
        }

        Due = now + Tick;
    }

    /// <summary>Nothing is under way: he looks again then.</summary>
    public void Next(DateTimeOffset at, DateTimeOffset now) => Due = at > now + LeastWait ? at : now + LeastWait;

    /// <summary>He looks then at the latest; true when that is sooner than he would have.</summary>
    public bool By(DateTimeOffset at)
    {
        if (at >= Due)
        {
            return false;
        }

        Due = at;
        return true;
    }

    /// <summary>The health of the whole observer, as far as this one shares in it.</summary>
    public LocalHealth Of(LocalHealth observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return _heldUpAt > observer.TrustedSince ? observer.LinkRestored(_heldUpAt) : observer;
    }
}

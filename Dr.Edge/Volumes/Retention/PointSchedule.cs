using System.Buffers.Binary;

namespace Dr.Edge.Volumes.Retention;

/// <summary>
/// When automatic points are due. Pure. The instants are multiples of the interval since the year 1, shifted by a phase that each volume has of its own, so that a restart goes on where the schedule
/// was, many volumes do not flush at once, and a late round is not made up for.
/// </summary>
internal static class PointSchedule
{
    /// <summary>The volume's own shift, below <paramref name="every"/>.</summary>
    public static TimeSpan PhaseOf(VolumeId volume, TimeSpan every)
    {
        Span<byte> bytes = stackalloc byte[16];
        volume.Guid.TryWriteBytes(bytes);
        var mixed = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        return TimeSpan.FromTicks((long)(mixed % (ulong)every.Ticks));
    }

    /// <summary>The first instant of the schedule after <paramref name="now"/>.</summary>
    public static DateTimeOffset NextAfter(DateTimeOffset now, TimeSpan every, TimeSpan phase)
    {
        var since = now.UtcTicks - phase.Ticks;
        return new DateTimeOffset(((since / every.Ticks) + 1) * every.Ticks + phase.Ticks, TimeSpan.Zero);
    }

    /// <summary>Whether a point is due, and what is due next. A clock that was put back begins a new wait; one that jumped ahead, or a long sleep, gives one point and not many.</summary>
    /// <param name="due">What the last step said; null in the first.</param>
    public static (bool IsDue, DateTimeOffset Next) Step(DateTimeOffset now, DateTimeOffset? due, TimeSpan every, TimeSpan phase) =>
        (due is { } at && now >= at, due is { } next && now < next && next - now <= every ? next : NextAfter(now, every, phase));
}

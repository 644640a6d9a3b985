using Dr.Contracts.Mqtt;

namespace Dr.Edge.Volumes.Space;

/// <summary>
/// Decides how loud to be about a disk that fills up. Pure. Louder at once; quieter only when things have been clearly better for a while, so that a forecast that wavers around a line is told once.
/// </summary>
internal static class SpaceAlarm
{
    public static readonly TimeSpan WarningAhead = TimeSpan.FromDays(7);
    public static readonly TimeSpan CriticalAhead = TimeSpan.FromDays(1);

    /// <summary>Warned whatever the trend: so many give-way lines of space are left.</summary>
    public const int WarningLines = 4;

    /// <summary>A level is left only when its lines are passed by so much …</summary>
    public const double Margin = 1.25;

    /// <summary>… for so long.</summary>
    public static readonly TimeSpan CalmFor = TimeSpan.FromMinutes(10);

    public static AlarmState Next(AlarmState state, DateTimeOffset now, long availableBytes, SpaceLimits limits, TimeSpan? fullIn)
    {
        var level = LevelOf(availableBytes, limits, fullIn, margin: 1);
        if (level >= state.Level)
        {
            return new AlarmState(level, null);
        }

        // Still inside the margin: as if nothing had changed.
        if (LevelOf(availableBytes, limits, fullIn, Margin) >= state.Level)
        {
            return state with { CalmSince = null };
        }

        var since = state.CalmSince is { } calm && calm <= now ? calm : now;
        return now - since >= CalmFor ? new AlarmState(LevelOf(availableBytes, limits, fullIn, Margin), null) : state with { CalmSince = since };
    }

    private static SpaceLevel LevelOf(long availableBytes, SpaceLimits limits, TimeSpan? fullIn, double margin)
    {
        var available = availableBytes / margin;
        var ahead = fullIn / margin;
        return available < limits.FullBytes ? SpaceLevel.Full
            : available < limits.GiveWayBytes || ahead <= CriticalAhead ? SpaceLevel.Critical
            : available < WarningLines * limits.GiveWayBytes || ahead <= WarningAhead ? SpaceLevel.Warning
            : SpaceLevel.Ample;
    }
}

/// <param name="Level">What was said last.</param>
/// <param name="CalmSince">Since when things have been better than that.</param>
internal sealed record AlarmState(SpaceLevel Level, DateTimeOffset? CalmSince)
{
    public static readonly AlarmState Initial = new(SpaceLevel.Ample, null);
}

using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Hosting;

/// <summary>Section <c>points</c>: what volumes keep that have no policy of their own (<c>dr-edge volume set</c>).</summary>
internal sealed class PointsConfig
{
    /// <summary>Time between automatic points of each writable volume, for example <c>10m</c>; 5 min unless it is set, <c>off</c> = only those that are asked for.</summary>
    public string? Every { get; set; }

    /// <summary>How automatic points are thinned, youngest first, for example <c>24h:5m,7d:1h,30d:1d</c>; a bare number is the old form and means the built-in tiers.</summary>
    public string? Keep { get; set; }

    /// <summary>How long points that somebody asked for are kept; null or <c>forever</c> = until they are deleted.</summary>
    public string? KeepManual { get; set; }

    /// <summary>How long any moment can be opened, whatever points are kept; 24 h unless it is set, at least 5 min.</summary>
    public string? FineWindow { get; set; }

    /// <summary><c>refuse</c> (unless it is set) or <c>history-gives-way</c>: what happens when the disk is full.</summary>
    public string? WhenFull { get; set; }

    /// <exception cref="DrException">A value cannot be followed.</exception>
    internal EffectivePolicy ToPolicy()
    {
        var policy = new VolumePolicy
        {
            PointsEvery = Every is null ? null : RetentionText.ParseSpan(Every, RetentionText.Off, "points: every"),
            Keep = Keep is null || Keep.All(char.IsDigit) ? null : RetentionText.ParseTiers(Keep, "points: keep"),
            KeepManual = KeepManual is null ? null : RetentionText.ParseSpan(KeepManual, RetentionText.Forever, "points: keepManual"),
            FineWindow = FineWindow is null ? null : Quantities.ParseDuration(FineWindow, "points: fineWindow"),
            WhenFull = WhenFull is null ? null : PolicyText.ParseWhenFull(WhenFull, "points: whenFull"),
        };
        PolicyRules.Check(policy);
        return EffectivePolicy.BuiltIn.With(policy);
    }
}

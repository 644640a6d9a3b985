using System.Text.RegularExpressions;
using Dr.Edge.Host.Quiesce;

namespace Dr.Edge.Volumes.Groups;

/// <summary>
/// Points of several volumes taken at one instant. What group a point belongs to is said in its reason, which goes with it to every copy and through every version of the protocol.
/// </summary>
/// <param name="Id">The same for all points of the group.</param>
/// <param name="VolumeCount">How many volumes it has. Fewer points than that: the group is not whole (a crash between the records, a point that was deleted) and shows no common instant of all.</param>
internal sealed partial record PointGroup(string Id, int VolumeCount)
{
    /// <summary>Of one volume less it is no group; more than this many locks are not taken at once.</summary>
    public const int MinVolumes = 2;
    public const int MaxVolumes = 64;

    /// <summary>The reason of a point of this group; <paramref name="rest"/> says what quiesced its volume.</summary>
    public string Reason(string? rest) =>
        string.Create(CultureInfo.InvariantCulture, $"group {Id} of {VolumeCount} volumes{(string.IsNullOrEmpty(rest) ? "" : $": {rest}")}");

    /// <summary>Null when the point belongs to none.</summary>
    public static PointGroup? Of(PointInfo point) =>
        point.Reason is { } reason && Form().Match(reason) is { Success: true } match
            ? new PointGroup(match.Groups["id"].Value, int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture))
            : null;

    [GeneratedRegex("^group (?<id>[0-9a-f]{16}) of (?<count>[0-9]{1,4}) volumes(:|$)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Form();
}

/// <summary>One volume of a group that is about to be taken.</summary>
/// <param name="Window">In which its system is quiet, asked when the point is behind the volume's last write; null = nobody was asked for quiet.</param>
internal sealed record GroupMember(Volume Volume, IQuiesceWindow? Window);

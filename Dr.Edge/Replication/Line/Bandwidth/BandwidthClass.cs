namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>A limit with a name that copies are put into.</summary>
internal sealed record BandwidthClass
{
    /// <summary>Below this a frame takes minutes and a copy that waits for the line cannot be told from one that is stuck.</summary>
    public const double LeastMbps = 0.064;

    /// <summary>Letters, digits, <c>-</c>, <c>_</c> and <c>.</c>; at most 64.</summary>
    public required string Name { get; init; }

    /// <summary>Megabits (10^6 bits) a second, at least <see cref="LeastMbps"/>; null = unlimited.</summary>
    public double? Mbps { get; init; }

    /// <summary>True: all copies of the class have the rate together. False: each has it for itself.</summary>
    public bool Shared { get; init; } = true;

    [System.Text.Json.Serialization.JsonIgnore]
    public double? BytesPerSecond => ToBytes(Mbps);

    public static double? ToBytes(double? mbps) => mbps is > 0 ? mbps * 125_000 : null;

    /// <exception cref="DrException">The name or the rate cannot be.</exception>
    public void Check()
    {
        if (Name == CopyRequest.NoClass || Name.Length is 0 or > 64 || !Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new DrException($"'{Name}' is no name of a bandwidth class.", "Use up to 64 letters, digits, '-', '_' and '.', and not 'none'.");
        }

        CheckRate(Mbps);
    }

    /// <exception cref="DrException">Too small, or no number.</exception>
    public static void CheckRate(double? mbps)
    {
        if (mbps is { } rate && (!double.IsFinite(rate) || rate < LeastMbps))
        {
            throw new DrException(
                string.Create(CultureInfo.InvariantCulture, $"{rate} Mbit/s is no rate for a copy."), string.Create(CultureInfo.InvariantCulture, $"Give at least {LeastMbps} (64 kbit/s), or 0 for no limit."));
        }
    }
}

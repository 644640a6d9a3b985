namespace Dr.Contracts.Ids;

/// <summary>The identity of a volume, the same on every copy. Made once, at creation, at random.</summary>
[GenerateSerializer, Immutable, Alias("dr.VolumeId")]
[JsonConverter(typeof(TextIdConverter<VolumeId>))]
public readonly record struct VolumeId([property: Id(0)] Guid Guid) : ITextId<VolumeId>
{
    [JsonIgnore]
    public string Value => Guid.ToString("N");

    public static VolumeId New() => new(Guid.NewGuid());

    public static VolumeId Create(string value) => new(Guid.ParseExact(value, "N"));

    public override string ToString() => Value;
}

/// <summary>
/// One unbroken line of writes by one owner: a random id that starts with the first write after creation, after a promotion or after losing a synchronous peer.
/// Two copies hold the same data up to a position exactly when that position lies in the same generation of both.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.Generation")]
[JsonConverter(typeof(TextIdConverter<Generation>))]
public readonly record struct Generation([property: Id(0)] Guid Guid) : ITextId<Generation>
{
    [JsonIgnore]
    public string Value => Guid.ToString("N");

    public static Generation New() => new(Guid.NewGuid());

    public static Generation Create(string value) => new(Guid.ParseExact(value, "N"));

    public override string ToString() => Value;
}

/// <summary>
/// A point (snapshot) of a volume, the same on every copy: 42 bits of UTC milliseconds since 1970, then 22 random bits, so that ids sort by time
/// and two sites that take a point in the same instant still differ. Printed as 16 lower-case hexadecimal digits.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.PointId")]
[JsonConverter(typeof(TextIdConverter<PointId>))]
public readonly record struct PointId([property: Id(0)] ulong Bits) : ITextId<PointId>, IComparable<PointId>
{
    private const int RandomBits = 22;

    [JsonIgnore]
    public string Value => Bits.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>The id of a point taken at <paramref name="at"/>; <paramref name="random"/> gives the low 22 bits.</summary>
    public static PointId From(DateTimeOffset at, uint random) =>
        new(((ulong)at.ToUnixTimeMilliseconds() << RandomBits) | (random & ((1u << RandomBits) - 1)));

    public static PointId Create(string value) => new(ulong.Parse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));

    /// <summary>True when <paramref name="text"/> is exactly 16 hexadecimal digits.</summary>
    public static bool TryParse(string? text, out PointId id)
    {
        id = default;
        if (text is not { Length: 16 } || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits))
        {
            return false;
        }

        id = new PointId(bits);
        return true;
    }

    public int CompareTo(PointId other) => Bits.CompareTo(other.Bits);

    public static bool operator <(PointId left, PointId right) => left.Bits < right.Bits;

    public static bool operator >(PointId left, PointId right) => left.Bits > right.Bits;

    public static bool operator <=(PointId left, PointId right) => left.Bits <= right.Bits;

    public static bool operator >=(PointId left, PointId right) => left.Bits >= right.Bits;

    public override string ToString() => Value;
}

using System.Security.Cryptography;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>Places in a trace between which something was asked for and answered. A cut after <see cref="Begun"/> events has nothing of it, one after <see cref="Answered"/> has all of it.</summary>
internal sealed class Span(int begun)
{
    public int Begun { get; } = begun;

    public int Answered { get; set; } = int.MaxValue;

    public bool IsPossible(int cut) => Begun < cut;

    public bool IsSure(int cut) => Answered <= cut;
}

/// <summary>What one volume was asked to do and answered, in order.</summary>
internal sealed class VolumeHistory(string name, Span made)
{
    public string Name => name;

    public Span Made => made;

    /// <summary>The name of its folder.</summary>
    public string Folder { get; set; } = "";

    public Span? Deleted { get; set; }

    public byte[] Content { get; set; } = [];

    /// <summary>What the volume held after each change, in the order they were appended.</summary>
    public List<(int Begun, ulong Hash, DateTimeOffset At)> Versions { get; } = [];

    /// <summary>Versions that a restore made, which a start finishes when the cut interrupts it.</summary>
    public List<int> Restores { get; } = [];

    /// <summary>Which version a flush, or whatever implies one, had covered when it was answered.</summary>
    public List<(int Answered, int Version)> Flushes { get; } = [];

    public List<PointHistory> Points { get; } = [];

    public List<(Span Span, VolumeRole Role, Epoch Epoch)> Roles { get; } = [];

    /// <summary>What a delta on its way in was flushed up to; null ends it.</summary>
    public List<(Span Span, PointId Target, long? Resume)> Staged { get; } = [];

    /// <summary>Maps of what a copy lacks that is away.</summary>
    public List<MapHistory> Maps { get; } = [];

    /// <summary>Content is not looked at before this: the volume is made in several steps that nobody was promised.</summary>
    public Span? Filled { get; set; }

    /// <summary>Points held (true) and released by hand.</summary>
    public List<(Span Span, PointId Point, bool IsHeld)> Holds { get; } = [];

    /// <summary>From the beginning of an import until one is answered the content is between the two.</summary>
    public List<Span> Imports { get; } = [];

    /// <summary>What an import must leave, whatever one before it had done.</summary>
    public (string Path, byte[] Content)? Image { get; set; }

    /// <summary>Growing is sure by itself, whatever writes before it are.</summary>
    public List<(Span Span, long Size)> Sizes { get; } = [];

    /// <summary>Zeros at the end do not count: a volume that has grown shows its old content with more of them.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(content.TrimEnd((byte)0), hash);
        return BitConverter.ToUInt64(hash);
    }

    public void Change(int begun, byte[] content, DateTimeOffset at)
    {
        Content = content;
        Versions.Add((begun, HashOf(content), at));
    }

    public int SureVersion(int cut)
    {
        var sure = 0;
        foreach (var (answered, version) in Flushes)
        {
            sure = answered <= cut ? version : sure;
        }

        return sure;
    }
}

internal sealed class PointHistory(PointInfo info, ulong hash, Span made)
{
    public PointInfo Info => info;

    public ulong Hash => hash;

    public Span Made => made;

    public Span? Deleted { get; set; }
}

using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;

namespace Dr.Edge.Archives;

/// <param name="At">Point or time.</param>
/// <param name="To">Directory or file, as the dr-edge process sees it.</param>
/// <param name="PartBytes">Largest part.</param>
/// <param name="Secret">What the key is made of; only ever on the control socket and in memory.</param>
internal sealed record ArchiveRequest(string At, string To, string? Name, long PartBytes, bool Compress, ArchiveKeyKind KeyKind, byte[]? Secret)
{
    /// <summary>Without the secret, whoever logs it.</summary>
    public override string ToString() => $"archive of {At} to {To}";
}

/// <param name="StoredBytes">What the parts take.</param>
/// <param name="ContentBytes">What of the volume is not holes.</param>
internal sealed record ArchiveResult(string Volume, string Name, string Place, int Parts, long StoredBytes, long ContentBytes, long VolumeBytes)
{
    /// <summary>Where an interrupted archive went on; 0 when it began anew.</summary>
    public long ResumedAtBytes { get; init; }
}

/// <param name="Volume">Name of the volume to make.</param>
/// <param name="From">Directory or file, as the dr-edge process sees it.</param>
/// <param name="Salvage">Restore what can be read, and leave zeros where it cannot.</param>
internal sealed record ArchiveRestoreRequest(string Volume, string From, string? Name, bool Salvage, ArchiveKeyKind KeyKind, byte[]? Secret)
{
    public override string ToString() => $"restore of {From} to {Volume}";
}

/// <param name="Target">The volume or image.</param>
/// <param name="Findings">Empty unless damage was to be left out.</param>
internal sealed record ArchiveRestoreResult(string Archive, string Target, long VolumeBytes, long DataBytes, long LostBytes, IReadOnlyList<ArchiveFinding> Findings)
{
    public long ResumedAtBytes { get; init; }
}

/// <param name="Authenticated">False when an encrypted archive was checked without its key: by checksums alone.</param>
internal sealed record ArchiveVerifyResult(string Archive, string Place, int Parts, long StoredBytes, long VolumeBytes, long ReadableBytes, long LostBytes, bool Authenticated, IReadOnlyList<ArchiveFinding> Findings)
{
    public bool Ok => Findings.Count == 0;
}

/// <summary>An archive in <c>archive list</c>.</summary>
internal sealed record ArchiveSummary
{
    public required string Name { get; init; }

    public required string Place { get; init; }

    public ArchiveDescription? Description { get; init; }

    public required long VolumeBytes { get; init; }

    public required ArchiveKeyKind Key { get; init; }

    public required int Parts { get; init; }

    /// <summary>0 when nothing tells.</summary>
    public required int ExpectedParts { get; init; }

    public required long StoredBytes { get; init; }

    /// <summary>What is missing, as far as headers and ends tell; empty when nothing is.</summary>
    public required IReadOnlyList<string> Gaps { get; init; }

    public required IReadOnlyList<ArchiveFinding> Findings { get; init; }

    public static ArchiveSummary Of(ArchiveSet set) => new()
    {
        Name = set.Name,
        Place = set.Place,
        Description = set.Description,
        VolumeBytes = set.VolumeBytes,
        Key = set.Header?.KeyKind ?? ArchiveKeyKind.None,
        Parts = set.Parts.Count,
        ExpectedParts = set.ExpectedParts,
        StoredBytes = set.Parts.Sum(part => part.Length),
        Gaps = set.Gaps(),
        Findings = set.Findings,
    };
}

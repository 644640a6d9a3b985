using System.Text.Json.Serialization;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>
/// What is known about the scrubbing of one volume, kept in <c>scrub</c> in its directory. Immutable; pure. A book that is damaged costs the place where a pass stood and its findings, which the next
/// pass finds again.
/// </summary>
internal sealed record ScrubBook
{
    public const string FileName = "scrub";

    /// <summary>More would only say that the disk is broken, which the first ones have said.</summary>
    public const int MaxFindings = 1000;

    /// <summary>Where the pass under way stands; null between passes.</summary>
    public ScrubCursor? Cursor { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The last pass that came to its end.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Passes that came to their end.</summary>
    public long Passes { get; init; }

    /// <summary>Read in the pass under way, or in the last one.</summary>
    public long CheckedBytes { get; init; }

    public bool Paused { get; init; }

    /// <summary>In the order they were found first.</summary>
    public IReadOnlyList<ScrubFinding> Findings { get; init; } = [];

    public ScrubBook Begin(DateTimeOffset now) => this with { Cursor = ScrubCursor.Start, StartedAt = now, CheckedBytes = 0, Paused = false };

    /// <summary>A piece was read. At the end of a pass, findings that it did not see again are gone: what they were in was replaced or has given way.</summary>
    public ScrubBook Advance(ScrubPiece piece, DateTimeOffset now)
    {
        var cursor = piece.At.After(piece.Next);
        return this with
        {
            Cursor = cursor,
            CheckedBytes = CheckedBytes + piece.Bytes,
            FinishedAt = cursor is null ? now : FinishedAt,
            Passes = cursor is null ? Passes + 1 : Passes,
            Findings = cursor is null ? [.. Findings.Where(finding => finding.LastSeen >= StartedAt)] : Findings,
        };
    }

    /// <summary>The same place with the same problem is one finding, however often it is seen. True when it is new.</summary>
    public bool TryAdd(ScrubFinding finding, out ScrubBook book)
    {
        var known = Findings.FirstOrDefault(f => f.Where == finding.Where && f.Offset == finding.Offset && f.Problem == finding.Problem);
        book = known is not null ? this with { Findings = [.. Findings.Select(f => f == known ? finding with { FirstSeen = known.FirstSeen } : f)] }
            : Findings.Count >= MaxFindings ? this
            : this with { Findings = [.. Findings, finding] };
        return known is null;
    }

    /// <summary>When the next pass begins: a period after the last one began, or after the volume was made.</summary>
    public DateTimeOffset DueAt(DateTimeOffset createdAt, TimeSpan period) => Cursor is not null ? DateTimeOffset.MinValue : (StartedAt ?? createdAt) + period;

    public static ScrubBook Load(string directory, StoreFaults faults)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            return new ScrubBook();
        }

        var book = SealedJson.Parse(File.ReadAllBytes(path), ScrubBookJson.Default.ScrubBook);
        if (book is null)
        {
            DurableDirectory.Rename(path, path + ".damaged", faults);
        }

        return book ?? new ScrubBook();
    }

    public void Save(string directory, StoreFaults faults) => DurableFile.Replace(Path.Combine(directory, FileName), SealedJson.Encode(this, ScrubBookJson.Default.ScrubBook), faults);
}

[JsonSerializable(typeof(ScrubBook))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
internal sealed partial class ScrubBookJson : JsonSerializerContext;

using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Reading;

/// <summary>Takes content that is proven right.</summary>
/// <param name="ledger">Knows what was lost before it.</param>
internal delegate void ContentSink(ContentLedger ledger, long volumeOffset, ReadOnlyMemory<byte> content);

/// <summary>Reads the parts of one archive in order.</summary>
internal static class ArchiveReader
{
    /// <param name="content">Takes every piece of content that is right, in ascending order; null when only checked.</param>
    /// <param name="doneBytes">The caller has what lies before this byte of the volume: whole parts of it are not read.</param>
    /// <param name="afterPart">Called after every part and at the end, so that a caller who needs all of it can stop early.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ContentLedger Run(
        ArchiveSet set, byte[]? master, long doneBytes, ContentSink? content, Action<long, long> progress, Action<ContentLedger>? afterPart, CancellationToken cancellationToken)
    {
        var ledger = new ContentLedger(set.VolumeBytes);
        foreach (var finding in set.Findings)
        {
            ledger.Report(finding);
        }

        using var scanner = new PartScanner();
        var (total, read) = (set.Parts.Sum(part => part.Length), 0L);
        foreach (var part in set.Parts)
        {
            var before = read;
            if (part.Header is null)
            {
                ledger.Unreadable(part.Where, part.Length, part.Number, part.HeaderDamage ?? "its header is damaged");
            }
            else if (part.End is { IsLast: false } end && end.NextOffset <= doneBytes && end.PartBytes == part.Length)
            {
                // The caller has what is in it, from a time when it was read and right.
                ledger.Begin(part.Where, part.Header);
                ledger.Skip(end);
            }
            else
            {
                scanner.Scan(part, master, ledger, content, done => progress(before + done, total), cancellationToken);
            }

            afterPart?.Invoke(ledger);
            read += part.Length;
            progress(read, total);
        }

        ledger.Finish(set.Place, set.ExpectedParts);
        afterPart?.Invoke(ledger);
        return ledger;
    }
}

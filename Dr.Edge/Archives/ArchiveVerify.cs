using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;

namespace Dr.Edge.Archives;

/// <summary>Reads an archive to its end and says what is not as it was written, and what of the volume can still be read.</summary>
internal static class ArchiveVerify
{
    /// <param name="secret">Null also for an encrypted archive: then checksums are checked, and what only the key can tell is not.</param>
    public static ArchiveVerifyResult Run(ArchiveSet set, ArchiveSecret? secret, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var isEncrypted = set.Header is { KeyKind: not ArchiveKeyKind.None };
        var master = set.Header is null || (isEncrypted && secret is null) ? null : ArchiveKeys.Master(set.Header, secret, set.Place);
        var authenticated = !isEncrypted || master is not null;

        // With the content, so that what cannot be unpacked is found here and not in the hour of need.
        var ledger = ArchiveReader.Run(set, master, 0, static (_, _, _) => { }, progress, afterPart: null, cancellationToken);
        return new ArchiveVerifyResult(
            set.Name, set.Place, set.Parts.Count, set.Parts.Sum(part => part.Length), set.VolumeBytes, set.VolumeBytes - ledger.LostBytes, ledger.LostBytes, authenticated, ledger.Findings);
    }
}

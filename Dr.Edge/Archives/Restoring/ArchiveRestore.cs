using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Archives.Restoring;

/// <summary>Puts the content of an archive somewhere. Only what is proven right is ever written; the target has its name only when all of it is there, or when losses were accepted.</summary>
internal static class ArchiveRestore
{
    private const int ToldFindings = 5;

    /// <param name="salvage">
    /// Go on over damage; what is lost stays zeros and is told in the result. Such an attempt reads the whole archive and records nothing on its way, so that a later one never takes what was left out for done.
    /// </param>
    /// <exception cref="DrException">Something is damaged or missing and is not to be left out.</exception>
    public static ArchiveRestoreResult Run(
        ArchiveSet set, ArchiveSecret? secret, IRestoreTarget target, string targetName, bool salvage, Action<long, long> progress, CancellationToken cancellationToken, long stepBytes = TransferState.StepBytes)
    {
        var master = CheckBefore(set, secret, salvage);
        var (resumed, data) = (target.DoneBytes, target.DataBytes);
        var (written, recorded) = (resumed, resumed);
        try
        {
            var ledger = ArchiveReader.Run(set, master, salvage ? 0 : resumed, Take, progress, RefuseDamage, cancellationToken);
            if (!salvage)
            {
                target.Record(set.VolumeBytes, data);
            }

            target.Complete();
            return new ArchiveRestoreResult(set.Name, targetName, set.VolumeBytes, data, ledger.LostBytes, ledger.Findings) { ResumedAtBytes = resumed };
        }
        catch (Exception exception) when (exception is OperationCanceledException or ArchiveDamagedException && written > recorded && !salvage)
        {
            // Stopped in order: all that was done counts.
            target.Record(written, data);
            throw;
        }

        void Take(ContentLedger ledger, long offset, ReadOnlyMemory<byte> content)
        {
            if (offset < resumed)
            {
                return;
            }

            // Before anything behind a loss is written: how far the target is recorded to be must never go beyond what could not be read.
            RefuseDamage(ledger);
            target.Write(offset, content);
            data += content.Length;
            written = offset + content.Length;
            if (written - recorded >= stepBytes && !salvage)
            {
                target.Record(written, data);
                recorded = written;
            }
        }

        void RefuseDamage(ContentLedger ledger)
        {
            // What costs no content (a catalogue, one of two copies of a header) does not stop a restore; verify tells it.
            if (ledger.LostBytes > 0 && !salvage)
            {
                throw new ArchiveDamagedException(set, ledger.Findings);
            }
        }
    }

    /// <summary>Before a target is made for it.</summary>
    /// <exception cref="DrException">Nothing says what the archive is.</exception>
    public static void RequireUsable(ArchiveSet set)
    {
        if (set.Header is null)
        {
            throw new DrException($"No part of {set.Name} in {set.Place} can be read.", $"'dr-edge archive verify {set.Place}' says why.");
        }
    }

    private static byte[]? CheckBefore(ArchiveSet set, ArchiveSecret? secret, bool salvage)
    {
        RequireUsable(set);
        var master = ArchiveKeys.Master(set.Header!, secret, set.Place);
        if (!salvage && set.Gaps() is { Count: > 0 } gaps)
        {
            throw new DrException($"The archive {set.Name} in {set.Place} is not whole: {string.Join("; ", gaps.Take(ToldFindings))}.", "Bring the parts that are missing and repeat the command, or restore what is there with --salvage.");
        }

        return master;
    }
}

/// <summary>An archive is damaged where it is needed.</summary>
internal sealed class ArchiveDamagedException(ArchiveSet set, IReadOnlyList<ArchiveFinding> findings) : DrException(
    $"The archive {set.Name} is damaged: {Tell(findings)}.",
    $"Nothing wrong was restored. Repeat the command with another copy of that part in its place: it goes on where it stopped. 'dr-edge archive verify {set.Place}' lists everything; --salvage restores what can be read.")
{
    private static string Tell(IReadOnlyList<ArchiveFinding> findings)
    {
        var worst = findings.FirstOrDefault(finding => finding.Lost is not null) ?? findings[0];
        return $"{worst.Where}, byte {worst.Offset}: {worst.Problem}{(worst.Lost is { } lost ? $"; bytes {lost.Offset} to {lost.Offset + lost.Length - 1} of the volume are lost" : "")}";
    }
}

using System.Security.Cryptography;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Archives.Writing;

/// <summary>Writes what a block device holds as the parts of one archive; holes and blocks of zeros are left out. Goes on behind the last part that is whole.</summary>
/// <param name="recordBytes">Content of the largest record; tests make it small.</param>
internal sealed class ArchiveWriter(IBlockDevice source, IArchiveTarget target, ArchiveDescription description, ArchiveSecret? secret, int recordBytes = ArchiveLimits.MaxContentBytes)
{
    private readonly List<CataloguePart> _parts = [];
    private PartHeader _header = null!;
    private byte[]? _master;
    private PartWriter? _part;
    private long _contentBytes;
    private long _nextOffset;
    private long _nextRecord;

    /// <summary>Where in the volume an interrupted archive went on; 0 when it is new.</summary>
    public long ResumedAtBytes { get; private set; }

    /// <summary>Parts that are whole.</summary>
    public int PartCount => _parts.Count;

    /// <summary>What of the volume is in whole parts.</summary>
    public long ArchivedBytes => _nextOffset;

    /// <exception cref="DrException">The medium is full or failed, the source is damaged, or what lies there is another archive.</exception>
    public ArchiveCatalogue Run(Action<long, long> progress, CancellationToken cancellationToken)
    {
        var isWhole = Resume();
        ResumedAtBytes = _nextOffset;
        try
        {
            if (!isWhole)
            {
                Copy(progress, cancellationToken);
            }
        }
        finally
        {
            _part?.Dispose();
        }

        var catalogue = new ArchiveCatalogue
        {
            Set = _header.Set,
            VolumeBytes = source.SizeBytes,
            Encrypted = _header.KeyKind != ArchiveKeyKind.None,
            ContentBytes = _contentBytes,
            Description = _header.Description,
            Parts = _parts,
        };
        target.Complete(catalogue);
        return catalogue;
    }

    /// <summary>True when every part is there already and only the name is missing.</summary>
    private bool Resume()
    {
        if (target.WholeParts is not [{ Header: { } first }, ..] whole)
        {
            var salt = RandomNumberGenerator.GetBytes(PartHeader.SaltBytes);
            var set = Guid.NewGuid();
            var rounds = secret?.Kind == ArchiveKeyKind.Passphrase ? ArchiveSecret.NewIterations : 0;
            _master = secret?.Master(salt, rounds);
            _header = new PartHeader
            {
                KeyKind = secret?.Kind ?? ArchiveKeyKind.None,
                PartNumber = 0,
                Set = set,
                VolumeBytes = source.SizeBytes,
                FirstOffset = 0,
                FirstRecord = 0,
                Iterations = rounds,
                SetSalt = salt,
                PartSalt = [],
                KeyCheck = ArchiveSeal.KeyCheck(_master, set),
                Description = description,
            };
            return false;
        }

        if (first.Description with { CreatedAt = description.CreatedAt, At = description.At } != description || first.VolumeBytes != source.SizeBytes)
        {
            throw new DrException(
                $"{whole[0].Where} was begun with another position or other options (volume {first.Description.VolumeName} at {first.Description.At:O}).",
                "Repeat the command that began it, choose another --name, or delete its parts.");
        }

        _master = ArchiveKeys.Master(first, secret, whole[0].Where);
        _header = first;
        foreach (var part in whole)
        {
            _parts.Add(new CataloguePart(part.Number, Path.GetFileName(part.Where), part.Length, part.Header!.FirstOffset));
        }

        var end = whole[^1].End!.Value;
        (_nextOffset, _nextRecord, _contentBytes) = (end.NextOffset, end.NextRecord, end.ContentBytes);
        return end.IsLast;
    }

    private void Copy(Action<long, long> progress, CancellationToken cancellationToken)
    {
        var buffer = new byte[recordBytes];
        var runs = new List<AllocationRun>();
        for (var offset = _nextOffset; offset < source.SizeBytes;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            runs.Clear();
            source.GetAllocation(offset, source.SizeBytes - offset, 1, runs);
            var length = runs[0].IsZero ? runs[0].Length : Math.Min(runs[0].Length, buffer.Length);
            if (!runs[0].IsZero)
            {
                var chunk = buffer.AsSpan(0, (int)length);
                source.Read(offset, chunk);
                WriteContent(offset, chunk);
            }

            offset += length;
            progress(offset, source.SizeBytes);
        }

        _part ??= Begin(_nextOffset);
        End(source.SizeBytes, isLast: true);
    }

    private void WriteContent(long offset, ReadOnlySpan<byte> chunk)
    {
        for (var done = 0; done < chunk.Length;)
        {
            done += ZeroBlocks.CountLeading(chunk[done..]);
            var length = ZeroBlocks.CountUntilZeros(chunk[done..]);
            if (length > 0)
            {
                _part ??= Begin(_nextOffset);
                if (!_part.TryWrite(offset + done, chunk.Slice(done, length)))
                {
                    End(offset + done, isLast: false);
                    _part = Begin(offset + done);
                    Invariant.Require(_part.TryWrite(offset + done, chunk.Slice(done, length)), "an empty part takes any content");
                }

                _contentBytes += length;
                done += length;
            }
        }
    }

    private PartWriter Begin(long firstOffset)
    {
        var number = _parts.Count + 1;
        if (number > ArchiveLimits.MaxParts)
        {
            throw new DrException($"The archive would have more than {ArchiveLimits.MaxParts} parts.", "Choose a larger --part-size.");
        }

        _header = _header with { PartNumber = number, FirstOffset = firstOffset, FirstRecord = _nextRecord, PartSalt = RandomNumberGenerator.GetBytes(PartHeader.SaltBytes) };
        return new PartWriter(target.BeginPart(number), _header, _master);
    }

    private void End(long nextOffset, bool isLast)
    {
        var end = _part!.Finish(nextOffset, _contentBytes, isLast);
        _parts.Add(new CataloguePart(_header.PartNumber, target.EndPart(), end.PartBytes, _header.FirstOffset));
        (_nextOffset, _nextRecord) = (nextOffset, end.NextRecord);
        _part.Dispose();
        _part = null;
    }
}

using System.Globalization;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Benchmarks.Big;

/// <summary>What a volume made by <see cref="BigVolume"/> is like.</summary>
/// <param name="HistoryBytes">Written data in all layers together.</param>
/// <param name="Points">As many sealed layers, each with a point at its end.</param>
/// <param name="RunBlocks">Neighbouring blocks that are written together, at random places: 1 is the worst for every table.</param>
/// <param name="BaseBytes">What has moved into the base already.</param>
internal sealed record BigPlan(long SizeBytes, long HistoryBytes, int Points, int RunBlocks, long BaseBytes, int Seed);

/// <summary>
/// A real volume on disk whose data are holes: layers with right headers, descriptors, checksums (of zero-filled blocks) and indexes, points, a base with its entries. It opens, reads and verifies
/// like any other and takes a hundredth of the space.
/// </summary>
internal sealed class BigVolume(string dataDirectory, string name, BigPlan plan)
{
    private const int ExtentsPerBatch = 1024;
    private static readonly uint ZeroBlock = Crc32C.Compute(new byte[StoreLimits.BlockBytes]);
    private readonly VolumeId _id = VolumeId.New();
    private readonly Generation _generation = Generation.New();
    private readonly Random _random = new(plan.Seed);
    private readonly DateTimeOffset _created = new DateTimeOffset(DateTime.UtcNow.Date, TimeSpan.Zero).AddDays(-2);
    private readonly LayerTable _table = new();
    private long _sequence;
    private uint _chain;

    public string DirectoryPath => Path.Combine(dataDirectory, "volumes", _id.Value);

    private long Blocks => plan.SizeBytes / StoreLimits.BlockBytes;

    /// <summary>Lays the volume down; the data directory must not be in use.</summary>
    public void Write(Action<int> onLayer)
    {
        Directory.CreateDirectory(Path.Combine(DirectoryPath, "layers"));
        var (baseBlocks, baseSum) = WriteBase();
        var layers = new List<LayerRecord>();
        var points = new List<PointInfo>();
        for (var number = 1; number <= plan.Points; number++)
        {
            var at = _created.AddMinutes(5 * number);
            layers.Add(WriteLayer(number, at));
            points.Add(new PointInfo { Id = PointId.From(at, (uint)number), At = at, Sequence = new SequenceNumber(_sequence), Consistency = PointConsistency.Crash, Label = number == 1 ? "first" : null });
            onLayer(number);
        }

        using (var head = OpenLayer(plan.Points + 1))
        {
            layers.Add(new LayerRecord { Number = plan.Points + 1, After = _sequence, ChainStart = _chain });
        }

        ManifestFile.Create(Path.Combine(DirectoryPath, "manifest"), StateOf(layers, points, baseBlocks, baseSum), StoreFaults.None).Dispose();
        SuperblockFile.Create(
            Path.Combine(DirectoryPath, "superblock"),
            new Superblock { Sequence = 1, Id = _id, VolumeBytes = plan.SizeBytes, Generation = _generation, Epoch = Epoch.First, CreatedAt = _created },
            StoreFaults.None).Dispose();
    }

    private ManifestState StateOf(IReadOnlyList<LayerRecord> layers, IReadOnlyList<PointInfo> points, long baseBlocks, ulong baseSum) => new()
    {
        Volume = _id,
        Name = name,
        SizeBytes = plan.SizeBytes,
        Role = VolumeRole.Primary,
        Epoch = Epoch.First,
        PrimaryEpoch = Epoch.First,
        Generations = [new GenerationSpan(_generation, SequenceNumber.Zero)],
        Layers = layers,
        Points = points,
        BaseAt = _created,
        BaseBlocks = baseBlocks,
        BaseSum = baseSum,
        NextLayer = plan.Points + 2,
        CleanSequence = _sequence,
    };

    private (long Blocks, ulong Sum) WriteBase()
    {
        BaseImage.Create(DirectoryPath, StoreFaults.None);
        using var checksums = DurableFile.Open(Path.Combine(DirectoryPath, "base.crc"), FileMode.Open, StoreFaults.None);
        using var image = DurableFile.Open(Path.Combine(DirectoryPath, "base.img"), FileMode.Open, StoreFaults.None);
        var blocks = plan.BaseBytes / StoreLimits.BlockBytes;
        var sum = 0UL;
        var window = new ulong[64 * 1024];
        for (long first = 0; first < blocks; first += window.Length)
        {
            var count = (int)Math.Min(window.Length, blocks - first);
            for (var i = 0; i < count; i++)
            {
                window[i] = BaseImage.EncodeEntry(first + i, ZeroBlock);
                sum += window[i];
            }

            checksums.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(window.AsSpan(0, count)), first * BaseImage.EntryBytes);
        }

        image.Truncate(blocks * StoreLimits.BlockBytes);
        return (blocks, sum);
    }

    private LayerRecord WriteLayer(int number, DateTimeOffset at)
    {
        var file = OpenLayer(number);
        var record = new LayerRecord { Number = number, After = _sequence, ChainStart = _chain, Sealed = true, LastAt = at };
        var left = plan.HistoryBytes / plan.Points / StoreLimits.BlockBytes;
        long tail = LayerHeader.SizeBytes;
        while (left > 0)
        {
            var extents = (int)Math.Min(Math.Min(ExtentsPerBatch, 8192 / plan.RunBlocks), (left + plan.RunBlocks - 1) / plan.RunBlocks);
            var header = WriteBatch(file, tail, extents, at);
            tail += header.TotalLength;
            left -= header.DataBlockCount;
        }

        file.Truncate(tail);
        record = record with { Last = _sequence, LengthBytes = tail };
        var layer = new Layer(record, _table.Add(file), tail);
        layer.WriteIndex(StateOf([], [], 0, 0));
        layer.File.Release();
        return record;
    }

    /// <summary>Random runs, and zeros over a few ranges, as file systems and databases leave them.</summary>
    private BatchHeader WriteBatch(DurableFile file, long offset, int extents, DateTimeOffset at)
    {
        var zeros = _random.Next(16) == 0 ? 1 : 0;
        var dataBlocks = extents * plan.RunBlocks;
        var section = new byte[((extents + zeros) * BatchHeader.DescriptorBytes) + (dataBlocks * BatchHeader.ChecksumBytes)];
        for (var i = 0; i < extents + zeros; i++)
        {
            var isZero = i >= extents;
            var count = isZero ? 512 : plan.RunBlocks;
            var first = _random.NextInt64((Blocks / count) - 1) * count;
            new BatchDescriptor(first, (uint)count, isZero ? ExtentKind.Zero : ExtentKind.Data).Write(section.AsSpan(i * BatchHeader.DescriptorBytes));
        }

        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(section.AsSpan((extents + zeros) * BatchHeader.DescriptorBytes)).Fill(ZeroBlock);
        var header = new BatchHeader
        {
            VolumeId = _id.Guid,
            Generation = _generation.Guid,
            FirstSequence = _sequence + 1,
            TimeMicroseconds = BatchHeader.ToMicroseconds(at),
            Durable = _sequence,
            ExtentCount = extents + zeros,
            DataBlockCount = dataBlocks,
            PreviousChecksum = _chain,
            DescriptorChecksum = Crc32C.Compute(section),
        };
        header = header with { TotalLength = header.DataOffset + (dataBlocks * StoreLimits.BlockBytes) };
        var bytes = new byte[BatchHeader.SizeBytes + section.Length];
        _chain = header.Write(bytes);
        section.CopyTo(bytes, BatchHeader.SizeBytes);
        file.Write(bytes, offset);
        _sequence += extents + zeros;
        return header;
    }

    private DurableFile OpenLayer(int number)
    {
        var file = DurableFile.Open(Path.Combine(DirectoryPath, "layers", string.Create(CultureInfo.InvariantCulture, $"{number}.log")), FileMode.Create, StoreFaults.None);
        Span<byte> header = stackalloc byte[LayerHeader.SizeBytes];
        new LayerHeader(_id.Guid, number).Write(header);
        file.Write(header, 0);
        return file;
    }
}

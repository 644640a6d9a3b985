using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Transfers;

/// <summary>
/// How far an import or export came, in a small file of its own: written only after what it speaks of is on stable storage, replaced as a whole, and believed only when its checksum is right and
/// everything it says about source and target still holds.
/// </summary>
internal sealed record TransferState
{
    /// <summary>A state this old in bytes is written anew: what an interrupted transfer does twice at most.</summary>
    public const long StepBytes = 256L * 1024 * 1024;

    private const int MaxBytes = 64 * 1024;

    public required VolumeId Volume { get; init; }

    /// <summary>The generation and position of the volume's side: what is being exported, or what the import had written.</summary>
    public required string Generation { get; init; }

    public required long Sequence { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>The file, as it was when the transfer began: full path, length and time of last change (an import's source).</summary>
    public string? File { get; init; }

    public long FileBytes { get; init; }

    public long FileTicks { get; init; }

    public long DoneBytes { get; init; }

    public long DataBytes { get; init; }

    /// <summary>Null when there is none, or none that is whole.</summary>
    public static TransferState? TryRead(string path)
    {
        try
        {
            if (!System.IO.File.Exists(path) || new FileInfo(path).Length > MaxBytes)
            {
                return null;
            }

            var bytes = System.IO.File.ReadAllBytes(path);
            return bytes.Length > sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Crc32C.Compute(bytes.AsSpan(sizeof(uint)))
                ? JsonSerializer.Deserialize(bytes.AsSpan(sizeof(uint)), TransferStateJson.Default.TransferState)
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // Without it the transfer begins anew, which is always right.
            return null;
        }
    }

    public void Write(string path, StoreFaults faults)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, TransferStateJson.Default.TransferState);
        var bytes = new byte[sizeof(uint) + json.Length];
        json.CopyTo(bytes.AsSpan(sizeof(uint)));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32C.Compute(json));
        DurableFile.Replace(path, bytes, faults);
    }
}

[JsonSerializable(typeof(TransferState))]
internal sealed partial class TransferStateJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Edge.Archives.Format;

/// <summary>What an archive holds, in every part's header: readable without a key, so that whoever stands before a shelf of disks finds the right one. Unknown fields are ignored.</summary>
internal sealed record ArchiveDescription
{
    /// <summary>The archive's name: its parts begin with it.</summary>
    public required string Name { get; init; }

    public required VolumeId Volume { get; init; }

    public required string VolumeName { get; init; }

    /// <summary>The generation and position whose content this is.</summary>
    public required string Generation { get; init; }

    public required long Sequence { get; init; }

    /// <summary>The moment whose content this is.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Null when a time was archived and no point.</summary>
    public PointId? Point { get; init; }

    public string? Label { get; init; }

    public PointConsistency Consistency { get; init; }

    /// <summary>When writing the archive began.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The limit that parts were written to, bytes.</summary>
    public required long PartBytes { get; init; }

    public bool Compressed { get; init; }

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, ArchiveJson.Default.ArchiveDescription);

    /// <summary>Null when it is not one.</summary>
    public static ArchiveDescription? TryParse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ArchiveJson.Default.ArchiveDescription);
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(ArchiveDescription))]
[JsonSerializable(typeof(ArchiveCatalogue))]
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
internal sealed partial class ArchiveJson : JsonSerializerContext;

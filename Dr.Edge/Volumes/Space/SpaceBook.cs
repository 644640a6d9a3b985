using System.Text.Json.Serialization;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes.Space;

/// <summary>
/// The growth seen so far, kept over restarts in <c>growth</c> in the data directory: a line with the CRC-32C of the rest, then JSON. Replaced as a whole. It is knowledge about the past and no
/// data: one that is damaged is put aside as <c>growth.damaged</c> and counting begins anew.
/// </summary>
internal sealed record SpaceBook
{
    public const string FileName = "growth";

    /// <summary>Of the whole file system.</summary>
    public IReadOnlyList<GrowthSample> FileSystem { get; init; } = [];

    /// <summary>Of each volume, by its id.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<GrowthSample>> Volumes { get; init; } = new Dictionary<string, IReadOnlyList<GrowthSample>>();

    /// <summary>The alarm that was told last, so that a restart does not tell it again.</summary>
    public AlarmState Alarm { get; init; } = AlarmState.Initial;

    /// <summary>What was saved; null when nothing was, or it is damaged.</summary>
    public static SpaceBook? Load(string directory, StoreFaults faults, out bool wasDamaged)
    {
        wasDamaged = false;
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        var content = File.ReadAllBytes(path);
        var book = Parse(content);
        if (book is null)
        {
            wasDamaged = true;
            DurableDirectory.Rename(path, path + ".damaged", faults);
        }

        return book;
    }

    public void Save(string directory, StoreFaults faults) => DurableFile.Replace(Path.Combine(directory, FileName), Encode(), faults);

    internal byte[] Encode() => SealedJson.Encode(this, SpaceBookJson.Default.SpaceBook);

    internal static SpaceBook? Parse(ReadOnlySpan<byte> content) => SealedJson.Parse(content, SpaceBookJson.Default.SpaceBook);
}

[JsonSerializable(typeof(SpaceBook))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
internal sealed partial class SpaceBookJson : JsonSerializerContext;

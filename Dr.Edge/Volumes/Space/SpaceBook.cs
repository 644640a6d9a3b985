using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

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

    internal byte[] Encode()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, SpaceBookJson.Default.SpaceBook);
        return [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Crc32C.Compute(json):x8}\n")), .. json];
    }

    internal static SpaceBook? Parse(ReadOnlySpan<byte> content)
    {
        if (content.Length < 9 || content[8] != '\n' || !Utf8Parser.TryParse(content[..8], out uint checksum, out var read, 'x') || read != 8 || Crc32C.Compute(content[9..]) != checksum)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(content[9..], SpaceBookJson.Default.SpaceBook);
        }
        catch (JsonException)
        {
            // Written by a version that says it otherwise; the checksum is right.
            return null;
        }
    }
}

[JsonSerializable(typeof(SpaceBook))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
internal sealed partial class SpaceBookJson : JsonSerializerContext;

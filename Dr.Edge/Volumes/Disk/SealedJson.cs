using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Disk;

/// <summary>A small file of JSON that knows whether it is whole: a line with the CRC-32C of the rest in eight hexadecimal digits, then the JSON.</summary>
internal static class SealedJson
{
    private const int LineBytes = 9;

    public static byte[] Encode<T>(T value, JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        return [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Crc32C.Compute(json):x8}\n")), .. json];
    }

    /// <summary>Null when it is damaged, or says something this version does not understand.</summary>
    public static T? Parse<T>(ReadOnlySpan<byte> content, JsonTypeInfo<T> type)
        where T : class
    {
        if (content.Length < LineBytes || content[LineBytes - 1] != '\n' || !Utf8Parser.TryParse(content[..(LineBytes - 1)], out uint checksum, out var read, 'x') || read != LineBytes - 1
            || Crc32C.Compute(content[LineBytes..]) != checksum)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(content[LineBytes..], type);
        }
        catch (JsonException)
        {
            // The checksum is right: another version wrote it.
            return null;
        }
    }
}

using System.Buffers;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dr.Contracts.Mqtt;

/// <summary>
/// Payloads on the wire: JSON, and above <see cref="LinkLimits.CompressAboveBytes"/> Brotli of that JSON. The MQTT content type says which; a missing one means plain JSON, so that a
/// person can publish by hand.
/// </summary>
public static class PayloadCodec
{
    public const string Json = "application/json";
    public const string BrotliJson = "application/json+br";

    // Quality 4 is within a few percent of the densest for such JSON and an order of magnitude cheaper than 11.
    private const int BrotliQuality = 4;
    private const int BrotliWindow = 18;

    public static EncodedPayload Encode<T>(T value, JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        if (json.Length <= LinkLimits.CompressAboveBytes)
        {
            return new EncodedPayload(json, Json);
        }

        var compressed = new byte[BrotliEncoder.GetMaxCompressedLength(json.Length)];
        return BrotliEncoder.TryCompress(json, compressed, out var written, BrotliQuality, BrotliWindow) && written < json.Length
            ? new EncodedPayload(compressed.AsMemory(0, written), BrotliJson)
            : new EncodedPayload(json, Json);
    }

    /// <summary>False with a reason for anything that is not a whole <typeparamref name="T"/>; never throws on what another machine sent.</summary>
    public static bool TryDecode<T>(ReadOnlySpan<byte> payload, string? contentType, JsonTypeInfo<T> type, out T value, out string reason)
    {
        value = default!;
        byte[]? rented = null;
        try
        {
            if (payload.Length > LinkLimits.PayloadBytesMax)
            {
                reason = $"{payload.Length} bytes are more than the {LinkLimits.PayloadBytesMax} of a message";
                return false;
            }

            if (contentType == BrotliJson)
            {
                rented = ArrayPool<byte>.Shared.Rent(LinkLimits.PayloadBytesMax);
                if (!BrotliDecoder.TryDecompress(payload, rented, out var written))
                {
                    reason = "the Brotli data is damaged, or longer than a message may be";
                    return false;
                }

                payload = rented.AsSpan(0, written);
            }
            else if (!string.IsNullOrEmpty(contentType) && contentType != Json)
            {
                reason = $"unknown content type '{contentType}'";
                return false;
            }

            value = JsonSerializer.Deserialize(payload, type)!;
            reason = value is null ? "null is not a message" : string.Empty;
            return value is not null;
        }
        catch (Exception exception) when (exception is JsonException or FormatException or OverflowException or NotSupportedException or ArgumentException)
        {
            // The converters of ids throw FormatException and its kin for text that is no id.
            reason = exception.Message;
            return false;
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }
}

/// <summary>Bytes to publish and the content type that goes with them.</summary>
public readonly record struct EncodedPayload(ReadOnlyMemory<byte> Bytes, string ContentType);

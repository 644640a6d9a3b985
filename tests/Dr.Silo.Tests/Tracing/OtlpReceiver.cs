using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;

namespace Dr.Silo.Tests.Tracing;

/// <summary>A span as it came over the wire.</summary>
internal sealed record ReceivedSpan(string Trace, string Id, string Parent, string Name, TimeSpan Took, bool Failed, IReadOnlyDictionary<string, string> Tags);

/// <summary>A collector on loopback that takes OTLP over HTTP (protobuf) and keeps the spans. Reads only what the tests look at.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private const int StatusError = 2;

    private readonly System.Net.HttpListener _listener = new();
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly Task _serving;

    public OtlpReceiver()
    {
        Address = $"http://127.0.0.1:{FreePorts.Next()}/";
        _listener.Prefixes.Add(Address);
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public string Address { get; }

    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    /// <summary>Where requests came that were not for traces.</summary>
    public string? Unexpected { get; private set; }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return; // Stopped.
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            if (context.Request.Url!.AbsolutePath != "/v1/traces" || context.Request.ContentType != "application/x-protobuf")
            {
                Unexpected = $"{context.Request.Url} {context.Request.ContentType}";
            }

            // ExportTraceServiceRequest.resource_spans = 1, ResourceSpans.scope_spans = 2, ScopeSpans.spans = 2.
            foreach (var span in Fields(body.ToArray()).Where(f => f.Number == 1).SelectMany(r => Fields(r.Bytes)).Where(f => f.Number == 2).SelectMany(s => Fields(s.Bytes)).Where(f => f.Number == 2))
            {
                _spans.Enqueue(Span([.. Fields(span.Bytes)]));
            }

            context.Response.StatusCode = (int)HttpStatusCode.OK;
            context.Response.Close();
        }
    }

    /// <summary>Span: trace_id 1, span_id 2, parent_span_id 4, name 5, start 7, end 8 (ns), attributes 9, status 15 (code 3).</summary>
    private static ReceivedSpan Span(Field[] fields)
    {
        string Hex(int number) => Convert.ToHexStringLower(fields.FirstOrDefault(f => f.Number == number).Bytes ?? []);
        ulong Fixed(int number) => BinaryPrimitives.ReadUInt64LittleEndian(fields.First(f => f.Number == number).Bytes);
        var status = fields.FirstOrDefault(f => f.Number == 15).Bytes ?? [];
        return new ReceivedSpan(
            Hex(1), Hex(2), Hex(4), Text(fields.First(f => f.Number == 5).Bytes), TimeSpan.FromTicks((long)(Fixed(8) - Fixed(7)) / TimeSpan.NanosecondsPerTick),
            Fields(status).Any(f => f is { Number: 3, Value: StatusError }), fields.Where(f => f.Number == 9).Select(f => Pair(f.Bytes)).ToDictionary(p => p.Key, p => p.Value));
    }

    /// <summary>KeyValue: key 1, value 2 (AnyValue: string 1, int 3).</summary>
    private static KeyValuePair<string, string> Pair(byte[] bytes)
    {
        Field[] fields = [.. Fields(bytes)];
        var value = Fields(fields.First(f => f.Number == 2).Bytes).FirstOrDefault();
        return new(Text(fields.First(f => f.Number == 1).Bytes), value.Number == 1 ? Text(value.Bytes) : value.Value.ToString(CultureInfo.InvariantCulture));
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>The wire format of protocol buffers: a key of number and kind, then a varint, eight bytes, a length with as many bytes, or four bytes.</summary>
    private static IEnumerable<Field> Fields(byte[] message)
    {
        for (var at = 0; at < message.Length;)
        {
            var key = Varint(message, ref at);
            var (number, kind) = ((int)(key >> 3), (int)(key & 7));
            switch (kind)
            {
                case 0:
                    yield return new Field(number, [], Varint(message, ref at));
                    break;
                default:
                    var length = kind switch { 1 => 8, 2 => (int)Varint(message, ref at), 5 => 4, _ => throw new InvalidDataException($"wire type {kind}") };
                    yield return new Field(number, message[at..(at + length)], 0);
                    at += length;
                    break;
            }
        }
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }

    private readonly record struct Field(int Number, byte[] Bytes, ulong Value);
}

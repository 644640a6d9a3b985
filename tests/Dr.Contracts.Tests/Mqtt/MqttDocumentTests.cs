using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Contracts.Tests.Mqtt;

/// <summary>Keeps <c>mqtt.md</c> true.</summary>
public sealed partial class MqttDocumentTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "mqtt.md"));

    [Fact]
    public void The_topic_table_is_what_the_code_publishes_on()
    {
        var device = new DeviceId("kiosk-1");
        string[] fromCode =
        [
            Topics.Up(device, UpChannel.Birth), Topics.Up(device, UpChannel.Beat), Topics.Up(device, UpChannel.Data), Topics.Up(device, UpChannel.Result),
            Topics.Down(device, DownChannel.Ack), Topics.Down(device, DownChannel.Command), Topics.Down(device, DownChannel.Config), Topics.State(device),
        ];
        var fromDocument = TopicRow().Matches(Document).Select(m => m.Groups["topic"].Value
            .Replace("{p}", Topics.PartitionOf(device).ToString("x2"), StringComparison.Ordinal).Replace("{device}", device.Value, StringComparison.Ordinal));
        fromDocument.ShouldBe(fromCode);
        fromCode.ShouldAllBe(t => Parses(t, device));
    }

    [Fact]
    public void Every_example_is_read_and_written_as_it_stands()
    {
        var examples = Example().Matches(Document).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["json"].Value);
        examples.Keys.ShouldBe(["Birth", "Beat", "DataBatch", "DownAck", "DeviceCommand", "CommandResult", "DeviceConfig", "DeviceState"], ignoreOrder: true);
        foreach (var (name, json) in examples)
        {
            var type = MqttJson.Default.GetTypeInfo(typeof(Birth).Assembly.GetType($"Dr.Contracts.Mqtt.{name}", throwOnError: true)!)!;
            var written = JsonSerializer.Serialize(JsonSerializer.Deserialize(json, type), type);
            JsonNode.DeepEquals(JsonNode.Parse(written), JsonNode.Parse(json)).ShouldBeTrue($"{name}: {written}");
        }
    }

    [Fact]
    public void The_numbers_are_those_of_the_code()
    {
        string[] said =
        [
            $"Above {LinkLimits.CompressAboveBytes} bytes", $"more than {LinkLimits.PayloadBytesMax} bytes", $"\n{LinkLimits.BatchRowsMax} rows or {LinkLimits.BatchBytesMax} bytes",
            $"at most {LinkLimits.BatchesUnderWayMax} batches", $"will delay {LinkLimits.WillDelay.TotalSeconds} s", $"session expiry {LinkLimits.SessionExpiry.TotalSeconds} s",
            $"acknowledgement for {LinkLimits.AcknowledgeTimeout.TotalSeconds} s", $"every {LinkLimits.ResultRepeat.TotalSeconds} s", $"`{PayloadCodec.Json}`", $"`{PayloadCodec.BrotliJson}`",
            $"`{DataRow.Superseded}`",
        ];
        foreach (var text in said)
        {
            Document.ShouldContain(text);
        }
    }

    [Theory]
    [InlineData("dr/v1/zz/kiosk-1/up/beat")]
    [InlineData("dr/v1/00/kiosk-1")]
    [InlineData("dr/v2/{p}/kiosk-1/up/beat")]
    [InlineData("dr/v1/{p}/kiosk-1/up/beat/more")]
    [InlineData("dr/v1/{p}/../up/beat")]
    [InlineData("")]
    public void A_topic_that_is_not_ours_is_not_parsed(string topic) =>
        Topics.TryParse(topic.Replace("{p}", Topics.PartitionOf(new DeviceId("kiosk-1")).ToString("x2"), StringComparison.Ordinal), out _, out _).ShouldBeFalse();

    [Fact]
    public void A_long_batch_is_compressed_and_comes_back_whole()
    {
        var batch = new DataBatch
        {
            DeviceEpoch = 1,
            Stream = Guid.NewGuid(),
            Lane = 0,
            First = 1,
            Rows = [.. Enumerable.Range(0, 50).Select(i => new DataRow { Kind = "kiosk.transaction", Key = $"t{i}", At = DateTimeOffset.UnixEpoch, Body = $"{{\"card\":\"21000{i}\",\"item\":\"04400{i}\"}}" })],
        };
        var encoded = PayloadCodec.Encode(batch, MqttJson.Default.DataBatch);
        encoded.ContentType.ShouldBe(PayloadCodec.BrotliJson);
        encoded.Bytes.Length.ShouldBeLessThan(LinkLimits.CompressAboveBytes);
        PayloadCodec.TryDecode(encoded.Bytes.Span, encoded.ContentType, MqttJson.Default.DataBatch, out var back, out _).ShouldBeTrue();
        back.Rows.ShouldBe(batch.Rows);
        PayloadCodec.Encode(new DeviceState { Online = true, Epoch = 1 }, MqttJson.Default.DeviceState).ContentType.ShouldBe(PayloadCodec.Json);
    }

    [Fact]
    public void A_small_message_that_grows_without_end_is_malformed()
    {
        var bomb = new byte[64 * 1024];
        System.IO.Compression.BrotliEncoder.TryCompress(new byte[16 << 20], bomb, out var length, 9, 22).ShouldBeTrue();
        PayloadCodec.TryDecode(bomb.AsSpan(0, length), PayloadCodec.BrotliJson, MqttJson.Default.Beat, out _, out var reason).ShouldBeFalse();
        reason.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"kind\":\"no.such\",\"id\":\"c1\"}")]
    [InlineData("{\"id\":7}")]
    public void What_is_no_command_is_a_reason_and_not_an_exception(string payload)
    {
        PayloadCodec.TryDecode(Encoding.UTF8.GetBytes(payload), null, MqttJson.Default.DeviceCommand, out _, out var reason).ShouldBeFalse();
        reason.ShouldNotBeEmpty();
    }

    private static bool Parses(string topic, DeviceId device) =>
        Topics.TryParse(topic, out var parsed, out var channel) && parsed == device && topic.EndsWith($"/{channel}", StringComparison.Ordinal);

    [GeneratedRegex(@"^\| `(?<topic>dr/v1/[^`]+)` \|", RegexOptions.Multiline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex TopicRow();

    [GeneratedRegex(@"```json (?<name>\w+)\n(?<json>.+?)\n```", RegexOptions.Singleline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Example();
}

using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

/// <summary>The document beside the codec says what the codec does.</summary>
public partial class FrameDocumentTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "replication-frames.md"));

    [Fact]
    public void The_header_table_has_the_offsets_of_the_codec()
    {
        var table = HeaderRow().Matches(Section("## Header")).ToDictionary(m => m.Groups["name"].Value, m => int.Parse(m.Groups["offset"].Value, CultureInfo.InvariantCulture));
        var constants = typeof(FrameCodec).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(f => f.Name.EndsWith("Offset", StringComparison.Ordinal))
            .ToDictionary(f => f.Name[..^"Offset".Length], f => (int)f.GetRawConstantValue()!);

        table.ShouldBe(constants, ignoreOrder: true);
        Section("## Header").ShouldContain($"Header size: {FrameCodec.HeaderSize}.");
        Section("## Header").ShouldContain($"0 … {FrameCodec.MaxPayload}");
    }

    [Fact]
    public void The_fields_of_the_header_leave_no_gap()
    {
        var next = 0;
        foreach (Match row in HeaderRow().Matches(Section("## Header")))
        {
            int.Parse(row.Groups["offset"].Value, CultureInfo.InvariantCulture).ShouldBe(next, row.Value);
            next += int.Parse(row.Groups["size"].Value, CultureInfo.InvariantCulture);
        }

        next.ShouldBe(FrameCodec.HeaderSize);
    }

    [Fact]
    public void The_type_table_has_every_type_with_its_number()
    {
        var table = TypeRow().Matches(Section("## Types")).Select(m => (int.Parse(m.Groups["number"].Value, CultureInfo.InvariantCulture), m.Groups["name"].Value));

        table.ShouldBe(Enum.GetValues<FrameType>().Select(t => ((int)t, t.ToString())));
    }

    [Fact]
    public void The_fixed_sizes_of_the_type_table_add_up_to_the_messages()
    {
        var rows = TypeRow().Matches(Section("## Types")).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["payload"].Value);

        FixedSize(rows["Heartbeat"]).ShouldBe(WireMessage.Encode(WireSamples.Heartbeat).Length);
        FixedSize(rows["Rewind"]).ShouldBe(WireMessage.Encode(WireSamples.Rewind).Length);
        FixedSize(rows["Commit"]).ShouldBe(WireMessage.Encode(WireSamples.Commit).Length);
        FixedSize(rows["Ack"]).ShouldBe(WireMessage.Encode(WireSamples.Ack).Length);
        FixedSize(rows["Detach"]).ShouldBe(WireMessage.Encode(new Detach("")).Length);
        FixedSize(rows["Mirror"]).ShouldBe(WireMessage.Encode(WireSamples.MirrorWithAck).Length);
        FixedSize(rows["Lease"]).ShouldBe(WireMessage.Encode(new LeaseVow(1, 6_000)).Length);
        FixedSize(rows["Flush"]).ShouldBe(WireMessage.Encode(WireSamples.Flush).Length);
        FixedSize(rows["Sizes"]).ShouldBe(WireMessage.Encode(new SizeNotice([])).Length);
        FixedSize(rows["DigestQuery"]).ShouldBe(WireMessage.Encode(WireSamples.DigestQuery).Length);
        FixedSize(rows["Error"]).ShouldBe(WireMessage.Encode(new Refusal(RefusalCode.Busy, "", null)).Length);
        FixedSize(rows["Hello"]).ShouldBe(WireMessage.Encode(WireSamples.Hello with { Device = "", Software = "" }).Length);
        FixedSize(rows["Announce"]).ShouldBe(WireMessage.Encode(WireSamples.Announce with { Name = "", Chain = [], Points = [] }).Length);
        FixedSize(rows["Position"]).ShouldBe(WireMessage.Encode(WireSamples.Position with { Chain = [], Points = [] }).Length);
        FixedSize(rows["Point"]).ShouldBe(WireMessage.Encode(new PointNotice(WireSamples.Point with { Label = null })).Length);
        FixedSize(rows["DeltaBegin"]).ShouldBe(WireMessage.Encode(WireSamples.DeltaBegin with { Target = WireSamples.Point with { Label = null }, Chain = [] }).Length);
    }

    private static int FixedSize(string payload) => payload.Split(',', StringSplitOptions.TrimEntries).Sum(field => field.Split(' ')[^1] switch
    {
        "i64" or "8" => 8,
        "u32" => 4,
        "u16" or "text" or "chain" or "points" or "sizes" => 2,
        "u8" => 1,
        "16" or "mark" => 16,
        "32" => 32,
        "point" => 8 + 8 + 8 + 1 + 2 + 2,
        var other => throw new InvalidOperationException($"The table has a field of unknown kind: {other}"),
    });

    private static string Section(string heading)
    {
        var start = Document.IndexOf(heading, StringComparison.Ordinal);
        var end = Document.IndexOf("\n## ", start + heading.Length, StringComparison.Ordinal);
        return Document[start..(end < 0 ? Document.Length : end)];
    }

    [GeneratedRegex(@"^\| (?<offset>\d+) \| (?<size>\d+) \| (?<name>\w+) \|", RegexOptions.Multiline)]
    private static partial Regex HeaderRow();

    [GeneratedRegex(@"^\| (?<number>\d+) \| (?<name>\w+) \| (?<direction>[^|]+) \| (?<payload>[^|]+) \|", RegexOptions.Multiline)]
    private static partial Regex TypeRow();
}

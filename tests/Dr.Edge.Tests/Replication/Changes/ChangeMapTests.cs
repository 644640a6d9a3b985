using System.Globalization;
using System.Text.RegularExpressions;
using CsCheck;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Replication.Changes;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Changes;

/// <summary>The durable map of what a copy lacks: against brute force, damaged, and as a crash leaves it.</summary>
public sealed partial class ChangeMapTests : TwoNodeTest
{
    private const int Blocks = 12_000;

    /// <summary>Written when history is to give way, and left out of what is compared.</summary>
    private const int BesidesBlock = Blocks - 1;
    private readonly Random _random = new(3);

    private static readonly Gen<ChangeMap> Maps = Gen.Select(Gen.Long[0, 1L << 40], Gen.Long[0, 1L << 40], Gen.Guid, Gen.Long[1, 200_000], Gen.Select(Gen.Long[0, 199_999], Gen.Long[1, 3_000]).Array[0, 12])
        .Select((after, upTo, generation, blocks, ranges) =>
        {
            var changed = new ChangeBitmap(blocks);
            foreach (var (first, count) in ranges.Where(range => range.Item1 < blocks))
            {
                changed.Set(first, Math.Min(count, blocks - first));
            }

            return new ChangeMap(new SequenceNumber(after), new SequenceNumber(upTo), new Generation(generation), changed);
        });

    [Fact]
    public void What_is_written_is_read_also_for_a_volume_that_has_grown() =>
        Gen.Select(Maps, Gen.Long[0, 100_000]).Sample((map, more) =>
        {
            var read = ChangeMapCodec.Parse(ChangeMapCodec.Encode(map), map.Blocks.Blocks + more).ShouldNotBeNull();
            (read.After, read.UpTo, read.Generation).ShouldBe((map.After, map.UpTo, map.Generation));
            read.Blocks.ToRanges().ShouldBe(map.Blocks.ToRanges());
        }, iter: 1_000);

    [Fact]
    public void A_bit_that_flipped_or_an_end_that_is_missing_makes_it_no_map() =>
        Gen.Select(Maps, Gen.Int[0, int.MaxValue], Gen.Bool).Sample((map, place, cut) =>
        {
            var file = ChangeMapCodec.Encode(map);
            file[place % file.Length] ^= (byte)(1 << (place % 8));
            ChangeMapCodec.Parse(cut ? ChangeMapCodec.Encode(map).AsSpan(0, place % file.Length) : file, map.Blocks.Blocks).ShouldBeNull();
        }, iter: 2_000);

    [Fact]
    public void The_table_of_the_document_has_the_fields_where_the_codec_has_them()
    {
        var document = File.ReadAllText(Path.Combine(FormatDocumentTests.RepositoryRoot(), "Dr.Edge", "Replication", "Changes", "change-map.md"));
        var rows = Row().Matches(document).ToDictionary(row => row.Groups["name"].Value, row => int.Parse(row.Groups["offset"].Value, CultureInfo.InvariantCulture));
        var blocks = new ChangeBitmap(100_000);
        blocks.Set(40_000, 1);
        var file = ChangeMapCodec.Encode(new ChangeMap(new SequenceNumber(0x11), new SequenceNumber(0x22), new Generation(Guid.Parse("33000000-0000-0000-0000-000000000044")), blocks));

        (file[rows["After"]], file[rows["UpTo"]], file[rows["Generation"]], file[rows["Generation"] + 15], BitConverter.ToInt64(file, rows["Blocks"]), file[rows["Chunks"]]).ShouldBe(((byte)0x11, (byte)0x22, (byte)0x33, (byte)0x44, 100_000L, (byte)1));
        BitConverter.ToInt32(file, rows["chunk"]).ShouldBe(1);
        file[rows["chunk"] + 4 + ((40_000 - 32_768) / 8)].ShouldBe((byte)1);
        file.Length.ShouldBe(rows["chunk"] + 4 + 4096 + 4);
        rows["chunk"].ShouldBe(ChangeMapCodec.HeaderBytes);
    }

    [Fact]
    public void It_has_every_block_written_since_the_point_whatever_has_left_the_history_meanwhile()
    {
        for (var round = 0; round < 8; round++)
        {
            var volume = Production.Set.Create($"v{round}", Blocks * 4096L);
            volume.WriteRandom(_random, 20);
            var after = volume.Point("common").Sequence;
            var keeper = new ChangeMapKeeper(volume, "peer:1");
            var written = new SortedSet<long>();
            Write(volume, written);
            keeper.Begin(after);
            keeper.After.ShouldBe(after);
            var hold = volume.HoldPosition(keeper.UpTo!.Value, "the map goes on from here");
            for (var step = 0; step < 6; step++)
            {
                Write(volume, written);
                switch (_random.Next(4))
                {
                    case 0:
                        keeper.Advance();
                        var next = volume.HoldPosition(keeper.UpTo!.Value, "the map goes on from here");
                        hold.Dispose();
                        hold = next;
                        break;
                    case 1:
                        volume.Point();
                        break;
                    case 2:
                        // All that the map has leaves; what comes after its end is kept by whoever calls.
                        LetHistoryGo(volume);
                        break;
                    default:
                        keeper = new ChangeMapKeeper(volume, "peer:1"); // A restart.
                        break;
                }
            }

            new ChangeMapKeeper(volume, "peer:2").After.ShouldBeNull("every copy has its own");
            Listed(keeper.TryList(volume.Appended).ShouldNotBeNull()).Except([BesidesBlock]).ShouldBe(written);
            hold.Dispose();
        }
    }

    [Fact]
    public void A_crash_leaves_the_map_of_before_or_the_new_one_and_both_are_whole()
    {
        var volume = Production.Set.Create("v", Blocks * 4096L);
        var after = volume.Point("common").Sequence;
        var keeper = new ChangeMapKeeper(volume, "peer:1");
        var written = new SortedSet<long>();
        Write(volume, written);
        keeper.Begin(after);
        var path = Directory.GetFiles(volume.DirectoryPath, "changes-*.map").ShouldHaveSingleItem();
        var before = File.ReadAllBytes(path);
        Write(volume, written);
        keeper.Advance();
        var then = File.ReadAllBytes(path);
        Write(volume, written);

        // Not renamed yet: the name still has the old content, and a part of the new one lies beside it.
        File.WriteAllBytes(path, before);
        File.WriteAllBytes(path + ".new", then[..(then.Length / 2)]);
        Listed(new ChangeMapKeeper(volume, "peer:1").TryList(volume.Appended).ShouldNotBeNull()).ShouldBe(written);

        File.WriteAllBytes(path, then);
        Listed(new ChangeMapKeeper(volume, "peer:1").TryList(volume.Appended).ShouldNotBeNull()).ShouldBe(written);
    }

    [Fact]
    public async Task It_is_no_map_when_history_no_longer_reaches_its_end_or_is_another()
    {
        var volume = Production.Set.Create("v", Blocks * 4096L);
        var after = volume.Point("common").Sequence;
        var keeper = new ChangeMapKeeper(volume, "peer:1");
        Write(volume, []);
        keeper.Begin(after);
        var path = Directory.GetFiles(volume.DirectoryPath, "changes-*.map").ShouldHaveSingleItem();
        var other = Production.Set.Create("other", Blocks * 4096L);
        other.WriteRandom(_random, 100);
        File.Copy(path, Path.Combine(other.DirectoryPath, Path.GetFileName(path)));
        new ChangeMapKeeper(other, "peer:1").After.ShouldBeNull("another generation wrote its end there");

        Write(volume, []);
        LetHistoryGo(volume);
        await Node.Until(() => volume.AdvanceBase() >= 0 && volume.Points[0].Sequence.Value <= volume.State.BaseSequence, "the history to give way", () => $"base at {volume.State.BaseSequence}");
        keeper.TryList(volume.Appended).ShouldBeNull();
        Should.Throw<DrException>(keeper.Advance);
    }

    private static SortedSet<long> Listed(IEnumerable<BlockRange> ranges) => [.. ranges.SelectMany(range => Enumerable.Range(0, (int)range.Count).Select(i => range.First + i))];

    private void Write(Volume volume, SortedSet<long> written)
    {
        for (var i = 0; i < 15; i++)
        {
            var (first, count) = (_random.Next(Blocks - 5), _random.Next(1, 4));
            var data = new byte[count * 4096];
            _random.NextBytes(data);
            volume.WriteAt(first * 4096L, data);
            written.UnionWith(Enumerable.Range(first, count).Select(block => (long)block));
        }
    }

    private void LetHistoryGo(Volume volume)
    {
        Production.Clock.Offset += TimeSpan.FromDays(400);
        volume.Point("later");
        foreach (var point in volume.Points.SkipLast(1).ToArray())
        {
            volume.DeletePoint(point.Id);
        }

        volume.WriteAt(BesidesBlock * 4096L, new byte[4096]);
        volume.AdvanceBase();
    }

    [GeneratedRegex(@"^\| (?<offset>\d+) \| [^|]+ \| (?<name>\w+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}

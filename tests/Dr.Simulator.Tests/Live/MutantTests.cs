using Dr.Simulator.Live.Judging;
using Dr.Simulator.Live.World;

namespace Dr.Simulator.Tests.Live;

/// <summary>A product that breaks its promise, from what clients were answered and what lies on the volumes to the verdict: each is found, and told as what it is.</summary>
public sealed class MutantTests
{
    private const string Production = "production";
    private const string Backup = "backup";
    private const int Slots = 8;
    private const long Last = 20;

    /// <summary>Twelve writes at production, one a second; then eight at backup, ten seconds later.</summary>
    private static readonly WriteAnswer[] Sound =
        [.. Enumerable.Range(1, (int)Last).Select(n => n <= 12 ? new WriteAnswer(n, Production, n, n + 0.1, n + 0.2) : new WriteAnswer(n, Backup, n + 10, n + 10.1, n + 10.2))];

    private readonly byte[] _image = Written();

    [Fact]
    public async Task A_product_that_keeps_its_promises_is_believed() => (await BrokenAsync("sync", Sound, _image, Written())).ShouldBeEmpty();

    [Theory]
    [InlineData(20)]
    [InlineData(16)]
    [InlineData(13)]
    public async Task An_answered_write_that_is_gone_is_a_loss_also_when_its_place_holds_the_write_before_it(long gone)
    {
        Put(_image, gone, gone - Slots);
        (await BrokenAsync("sync", Sound, _image, [.. _image])).ShouldHaveSingleItem().ShouldContain("no answered commit is lost");
        Put(_image, gone, null);
        (await BrokenAsync("sync", Sound, _image, [.. _image])).ShouldHaveSingleItem().ShouldContain("no answered commit is lost");
    }

    [Fact]
    public async Task A_streamed_copy_that_lost_more_than_its_seconds_is_told()
    {
        // Of production's writes the first ones are there, and the one that backup took then.
        WriteAnswer[] answers = [.. Sound.Where(a => a.Site == Production), new(13, Backup, 40, 40.1, 40.2)];
        foreach (var (kept, broken) in new[] { (8, false), (7, false), (5, true), (4, true) })
        {
            var image = new byte[Slots * NumberedRecord.Size];
            for (var n = 1; n <= kept; n++)
            {
                Put(image, n, n);
            }

            Put(image, 13, 13);
            var told = await BrokenAsync("stream", answers, image, [.. image]);
            if (broken)
            {
                told.ShouldHaveSingleItem($"{kept} kept").ShouldContain("loses at most 5 s");
            }
            else
            {
                told.ShouldBeEmpty($"{kept} kept");
            }
        }
    }

    [Fact]
    public async Task A_second_writer_is_told_whether_or_not_its_write_is_still_there()
    {
        // Production answers once more after backup has taken a write, and that write is overwritten by a later one.
        WriteAnswer[] answers = [.. Sound, new(5 + Last, Production, 25, 25.5)];
        (await BrokenAsync("sync", answers, _image, [.. _image], moves: 3)).ShouldHaveSingleItem("also when the owner changed as often as the sides did").ShouldContain("one side at a time");
    }

    [Fact]
    public async Task Sites_that_changed_more_often_than_their_owner_are_two_writers()
    {
        (await BrokenAsync("sync", Sound, _image, [.. _image], moves: 0)).ShouldHaveSingleItem().ShouldContain("one side at a time");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData((Slots * NumberedRecord.Size) - 1)]
    public async Task Volumes_that_differ_in_one_bit_or_in_length_are_not_equal(int at)
    {
        var other = Written();
        other[at] ^= 1;
        (await BrokenAsync("sync", Sound, _image, other)).ShouldHaveSingleItem().ShouldContain("byte by byte");
        (await VolumeJudgement.FirstDifferenceAsync(new MemoryStream(_image), new MemoryStream(other))).ShouldBe(at);
        (await VolumeJudgement.FirstDifferenceAsync(new MemoryStream(_image), new MemoryStream(_image, 0, at))).ShouldBe(at, "the shorter one ends");
    }

    [Fact]
    public async Task Damage_that_both_sites_share_is_told_although_they_are_equal()
    {
        _image[(3 * NumberedRecord.Size) + 77] ^= 1;
        var told = await BrokenAsync("sync", Sound, _image, [.. _image]);
        told.ShouldContain(promise => promise.Contains("every checksum", StringComparison.Ordinal));
        told.ShouldContain(promise => promise.Contains("no answered commit is lost", StringComparison.Ordinal));
    }

    private static byte[] Written()
    {
        var image = new byte[Slots * NumberedRecord.Size];
        for (var number = 1L; number <= Last; number++)
        {
            Put(image, number, number);
        }

        return image;
    }

    /// <summary>In the place of a number, another one or nothing.</summary>
    private static void Put(byte[] image, long place, long? number)
    {
        var slot = image.AsSpan((int)(place % Slots) * NumberedRecord.Size, NumberedRecord.Size);
        slot.Clear();
        if (number is { } there)
        {
            NumberedRecord.Fill(slot, there);
        }
    }

    /// <summary>The promises that are broken by what was found.</summary>
    private static async Task<string[]> BrokenAsync(string copy, IReadOnlyList<WriteAnswer> answers, byte[] owner, byte[] other, int moves = 1)
    {
        var known = new SystemEvidence
        {
            System = LiveSystem.All.First(s => s.Copy == copy), Committed = 0, Losses = [], OwnershipMoves = moves, IsRunning = true,
            Difference = await VolumeJudgement.FirstDifferenceAsync(new MemoryStream(owner), new MemoryStream(other)) is { } at ? $"different from byte {at} on" : null, Damage = null, LongestWait = 0,
        };
        var evidence = new LiveEvidence { Systems = [VolumeJudgement.Of(known, answers, new MemoryStream(owner))], OwnershipFaults = [], AuditBrokenAt = null, Corruptions = [], NotHealed = null };
        return [.. LiveVerdict.Of(evidence).Where(c => !c.Holds).Select(c => c.Promise)];
    }
}

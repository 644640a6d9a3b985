using Dr.Simulator.Live.Judging;

namespace Dr.Simulator.Tests.Live;

public sealed class JudgingTests
{
    private const string A = "production";
    private const string B = "backup";

    [Fact]
    public void A_side_that_answers_after_the_other_took_a_write_overlaps()
    {
        var clean = Handovers.Of([Write(1, A, 0.0, 0.1), Write(2, A, 0.2, 0.3), Write(3, B, 5.0, 5.1), Write(4, B, 5.2, 5.3)]).ShouldHaveSingleItem();
        (clean.From, clean.To, clean.LastAnswered, clean.FirstSent, clean.Overlaps).ShouldBe((A, B, 0.3, 5.0, false));

        // Sent before, answered after the other side had taken one.
        var two = Handovers.Of([Write(1, A, 0.0, 0.1), Write(2, B, 5.0, 5.1), Write(3, A, 0.2, 5.2), Write(4, B, 5.3, 5.4)]);
        two.Count.ShouldBe(3);
        two.Count(h => h.Overlaps).ShouldBe(1);

        // Sent to the new side while the old one still answered: the new one cannot have been the owner alone.
        Handovers.Of([Write(1, A, 0.0, 0.1), Write(2, A, 0.2, 5.05), Write(3, B, 5.0, 5.1)]).ShouldHaveSingleItem().Overlaps.ShouldBeTrue();
    }

    [Fact]
    public void What_is_lost_is_counted_from_the_first_missing_commit_to_the_last_one_before_the_sides_changed()
    {
        WriteAnswer[] answers =
        [
            Write(1, A, 0, 0.1, 0.2), Write(2, A, 1, 1.1, 1.2), Write(3, A, 2, 2.1, 2.2), Write(4, A, 3, 3.1),
            Write(5, B, 20, 20.1, 20.2), Write(6, B, 21, 21.1, 21.2), Write(7, A, 30, 30.1, 30.2),
        ];
        Losses.Of(answers, _ => true).ShouldBeEmpty();
        Losses.Of(answers, n => n != 4).ShouldBeEmpty("it was never committed");
        var tail = Losses.Of(answers, n => n is not (2 or 3)).ShouldHaveSingleItem();
        (tail.Site, tail.Count, Math.Round(tail.Seconds, 6)).ShouldBe((A, 2, 1.0));
        Losses.Of(answers, n => n is 1 or 7).Select(l => (l.Site, l.Count)).ShouldBe([(A, 2), (B, 2)]);

        // A hole in the middle counts to the end of the stretch.
        Math.Round(Losses.Of(answers, n => n != 1).ShouldHaveSingleItem().Seconds, 6).ShouldBe(2.0);
    }

    [Fact]
    public void An_epoch_has_one_owner_and_epochs_only_grow()
    {
        OwnershipEntry[] sound = [new("dilas", 1, A), new("card", 1, A), new("dilas", 1, A), new("dilas", 2, B), new("dilas", 3, A), new("card", 2, B)];
        OwnershipHistory.Faults(sound).ShouldBeEmpty();
        (OwnershipHistory.Moves(sound, "dilas"), OwnershipHistory.Moves(sound, "card"), OwnershipHistory.Moves(sound, "mail")).ShouldBe((2, 1, 0));
        OwnershipHistory.Faults([.. sound, new("dilas", 3, B)]).ShouldHaveSingleItem().ShouldContain("epoch 3 had two owners");
        OwnershipHistory.Faults([.. sound, new("dilas", 2, B)]).ShouldHaveSingleItem().ShouldContain("epoch 2 came after epoch 3");
    }

    [Fact]
    public void A_record_in_the_wrong_place_torn_or_flipped_is_no_record()
    {
        const int slots = 16;
        var image = new byte[slots * NumberedRecord.Size];
        foreach (var number in new long[] { 1, 2, 17, 3, 4, 5 })
        {
            NumberedRecord.Fill(image.AsSpan((int)(number % slots) * NumberedRecord.Size, NumberedRecord.Size), number);
        }

        image[(3 * NumberedRecord.Size) + 1000] ^= 1; // a flipped bit
        NumberedRecord.Fill(image.AsSpan(9 * NumberedRecord.Size, NumberedRecord.Size), 8); // elsewhere
        image.AsSpan((5 * NumberedRecord.Size) + 2048, 2048).Clear(); // half of it

        var volume = NumberedVolume.Read(new MemoryStream(image));

        volume.Slots.ShouldBe(slots);
        volume.Numbers.Order().ShouldBe([2, 4, 17]);
        volume.Damaged.ShouldBe([3, 5, 9]);
    }

    private static WriteAnswer Write(long number, string site, double sent, double answered, double? committed = null) => new(number, site, sent, answered, committed);
}

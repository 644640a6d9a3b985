using Dr.Simulator.Live.Circulation;

namespace Dr.Simulator.Tests.Live;

public sealed class LedgerVerdictTests
{
    private static readonly DateTimeOffset T0 = new(2026, 1, 1, 9, 0, 0, TimeSpan.Zero);

    private static LedgerEntry Committed(long id, double second) => new(LedgerState.Committed, id, "borrow", T0.AddSeconds(second));

    private static LedgerEntry Unknown(long id, double second) => new(LedgerState.Unknown, id, "return", T0.AddSeconds(second));

    [Fact]
    public void An_answered_transaction_that_is_missing_is_lost_and_its_age_is_measured()
    {
        var verdict = LedgerVerdict.Compare([Committed(1, 0), Committed(2, 1), Committed(3, 1.5), Unknown(4, 2)], new HashSet<long> { 1 });

        verdict.Committed.ShouldBe(3);
        verdict.Lost.ShouldBe(2);
        verdict.LostSeconds.ShouldBe(0.5);
        verdict.UnknownMissing.ShouldBe(1);
    }

    [Fact]
    public void A_broken_off_commit_is_right_both_ways_and_a_row_from_nowhere_is_not()
    {
        var verdict = LedgerVerdict.Compare([Committed(1, 0), Unknown(2, 1), Unknown(3, 1)], new HashSet<long> { 1, 2, 9 });

        verdict.Lost.ShouldBe(0);
        verdict.UnknownFound.ShouldBe(1);
        verdict.UnknownMissing.ShouldBe(1);
        verdict.Unexplained.ShouldBe(1);
    }

    [Fact]
    public void A_ledger_reads_back_what_was_appended_and_leaves_out_a_torn_last_line()
    {
        var path = Path.Combine(Path.GetTempPath(), $"ledger-{Guid.NewGuid():N}");
        try
        {
            using (var file = new LedgerFile(path))
            {
                file.Append(Committed(1, 0.25));
                file.Append(Unknown(2, 1));
            }

            File.AppendAllText(path, "C 3 bor");
            LedgerFile.ReadAll(path).ShouldBe([Committed(1, 0.25), Unknown(2, 1)]);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_damaged_line_is_reported_with_its_number()
    {
        var error = Should.Throw<Dr.Contracts.Errors.DrException>(() => LedgerEntry.Parse("X 1 borrow now", "ledger", 7));
        error.Message.ShouldContain("line 7");
        error.Hint.ShouldNotBeNull();
    }
}

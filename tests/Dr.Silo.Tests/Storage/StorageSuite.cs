using Dr.Contracts.Errors;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Storage;
using Dapper;

namespace Dr.Silo.Tests.Storage;

/// <summary>What every database of the control plane must do; run on SQLite and on PostgreSQL.</summary>
public abstract partial class StorageSuite : IAsyncLifetime
{
    private static readonly SystemId Dilas = new("dilas");
    private static readonly SiteId Production = new("production");
    private static readonly SiteId Backup = new("backup");

    private protected Database Database { get; private set; } = null!;

    private OwnershipLedger Ledger => new(Database, TimeProvider.System);

    private AuditLog Audit => new(Database);

    private EventLog Events => new(Database);

    private RunJournal Journal => new(Database, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        Database = await OpenAsync();
        await new Migrator(Database).ApplyAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract Task<Database> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Migrations_apply_once_also_when_several_start_at_once()
    {
        var applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new Migrator(Database).ApplyAsync(CancellationToken.None)));

        applied.ShouldAllBe(count => count == 0);
    }

    [Fact]
    public async Task A_migration_that_differs_from_what_was_applied_stops_the_start()
    {
        await ExecuteAsync("update dr_migration set digest = 'other' where name like '0010%'");

        var refused = await Should.ThrowAsync<DrException>(() => new Migrator(Database).ApplyAsync(CancellationToken.None));

        refused.Message.ShouldContain("0010-ownership.sql");
        refused.Hint.ShouldNotBeNull();
    }

    [Fact]
    public async Task Of_many_claims_on_the_same_epoch_exactly_one_wins()
    {
        var owner = (await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None)).Owner;

        var claims = await Task.WhenAll(Enumerable.Range(1, 16).Select(i =>
            Ledger.ClaimAsync(Dilas, owner, new Ownership(new Epoch(1 + i), new SiteId($"site-{i}")), CancellationToken.None)));

        claims.Count(c => c.Claimed).ShouldBe(1);
        var actual = (await Ledger.ReadAsync(Dilas, CancellationToken.None))!.Owner;
        claims.Single(c => c.Claimed).Actual.ShouldBe(actual);
        claims.ShouldAllBe(c => c.Actual == actual);
    }

    [Fact]
    public async Task A_claim_that_is_repeated_after_its_answer_was_lost_succeeds_again()
    {
        var owner = (await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None)).Owner;
        var wanted = new Ownership(owner.Epoch.Next, Backup);

        (await Ledger.ClaimAsync(Dilas, owner, wanted, CancellationToken.None)).Claimed.ShouldBeTrue();
        (await Ledger.ClaimAsync(Dilas, owner, wanted, CancellationToken.None)).Claimed.ShouldBeTrue();
        (await Ledger.ReadAsync(Dilas, CancellationToken.None))!.Owner.ShouldBe(wanted);
    }

    [Fact]
    public async Task A_claim_that_would_not_raise_the_epoch_is_a_bug_and_never_reaches_the_database()
    {
        var owner = (await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None)).Owner;

        await Should.ThrowAsync<InvariantException>(() => Ledger.ClaimAsync(Dilas, owner, owner with { Site = Backup }, CancellationToken.None));
    }

    [Fact]
    public async Task Ensuring_a_record_that_exists_leaves_it_as_it_is()
    {
        var owner = (await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None)).Owner;
        await Ledger.ClaimAsync(Dilas, owner, new Ownership(new Epoch(7), Backup), CancellationToken.None);

        (await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None)).Owner.ShouldBe(new Ownership(new Epoch(7), Backup));
    }

    [Fact]
    public async Task Fencing_holds_for_the_epoch_it_was_said_about_and_ends_with_the_claim()
    {
        var owner = (await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None)).Owner;

        (await Ledger.FenceAsync(Dilas, owner.Epoch.Next, CancellationToken.None)).ShouldBeFalse();
        (await Ledger.FenceAsync(Dilas, owner.Epoch, CancellationToken.None)).ShouldBeTrue();
        (await Ledger.ReadAsync(Dilas, CancellationToken.None))!.Fencing.ShouldBeTrue();

        await Ledger.ClaimAsync(Dilas, owner, new Ownership(owner.Epoch.Next, Backup), CancellationToken.None);
        (await Ledger.ReadAsync(Dilas, CancellationToken.None))!.Fencing.ShouldBeFalse();
    }

    [Fact]
    public async Task The_last_to_become_granter_is_the_only_one()
    {
        await Ledger.EnsureAsync(Dilas, Production, CancellationToken.None);

        await Ledger.BecomeGranterAsync(Dilas, "first", CancellationToken.None);
        await Ledger.BecomeGranterAsync(Dilas, "second", CancellationToken.None);

        (await Ledger.ReadAsync(Dilas, CancellationToken.None))!.Granter.ShouldBe("second");
    }

    [Fact]
    public async Task Audit_entries_written_at_once_form_one_unbroken_chain()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Audit.AppendAsync([(null, Entry($"a{i}")), (null, Entry($"b{i}"))], CancellationToken.None)));

        (await Audit.ReadAsync(0, 100, null, CancellationToken.None)).Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, 40).Select(i => (long)i));
        (await Audit.FirstBrokenAsync(CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task An_audit_entry_that_is_written_again_after_a_crash_is_one()
    {
        (await Audit.AppendAsync([("dilas#1", Entry("once"))], CancellationToken.None)).ShouldBe(1);
        (await Audit.AppendAsync([("dilas#1", Entry("once")), ("dilas#2", Entry("next"))], CancellationToken.None)).ShouldBe(1);

        (await Audit.ReadAsync(0, 10, null, CancellationToken.None)).Select(e => e.Text).ShouldBe(["once", "next"]);
    }

    [Theory]
    [InlineData("update dr_audit set text = 'nothing happened' where sequence = 2")]
    [InlineData("delete from dr_audit where sequence = 2")]
    public async Task The_audit_refuses_to_be_changed(string sql)
    {
        await Audit.AppendAsync([(null, Entry("a")), (null, Entry("b")), (null, Entry("c"))], CancellationToken.None);

        (await Should.ThrowAsync<System.Data.Common.DbException>(() => ExecuteAsync(sql))).Message.ShouldContain("append-only");
    }

    [Fact]
    public async Task An_audit_changed_behind_the_triggers_is_found()
    {
        await Audit.AppendAsync([(null, Entry("a")), (null, Entry("b")), (null, Entry("c"))], CancellationToken.None);
        await ExecuteAsync(Database.Kind == DatabaseKind.Sqlite
            ? "drop trigger dr_audit_is_never_changed"
            : "alter table dr_audit disable trigger all");
        await ExecuteAsync("update dr_audit set evidence = '{\"x\":\"y\"}' where sequence = 2");

        (await Audit.FirstBrokenAsync(CancellationToken.None)).ShouldBe(2);
    }

    [Fact]
    public async Task Events_appended_at_once_get_ids_without_gaps_and_a_repeated_key_is_one()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Events.AppendAsync([(null, Event($"{i}")), ($"key-{i % 5}", Event("keyed"))], CancellationToken.None)));

        (await Events.ReadAsync(0, 100, CancellationToken.None)).Select(e => e.Id).ShouldBe(Enumerable.Range(1, 25).Select(i => (long)i));
        (await Events.ReadAsync(20, 100, CancellationToken.None)).Count.ShouldBe(5);
        (await Events.LastIdAsync(CancellationToken.None)).ShouldBe(25);
    }

    [Fact]
    public async Task A_step_that_is_done_stays_done_whatever_is_begun_or_reported_later()
    {
        var run = await OpenRunAsync();
        var intent = new StepIntent { Step = "PromoteCopy", Target = "backup", Intent = "Make it primary.", Epoch = new Epoch(2) };

        (await Journal.BeginAsync(run, intent, CancellationToken.None)).State.ShouldBe(StepState.Intended);
        await Journal.EndAsync(run, intent.Step, intent.Target, StepState.Done, "promoted", new Dictionary<string, string> { ["sequence"] = "42" }, CancellationToken.None);
        await Journal.EndAsync(run, intent.Step, intent.Target, StepState.Failed, "late", new Dictionary<string, string>(), CancellationToken.None);
        var again = await Journal.BeginAsync(run, intent with { Attempt = 2 }, CancellationToken.None);

        again.State.ShouldBe(StepState.Done);
        again.Attempt.ShouldBe(1);
        again.Evidence["sequence"].ShouldBe("42");
        again.FinishedAt.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_failed_step_begins_again_with_the_next_attempt_and_keeps_its_place()
    {
        var run = await OpenRunAsync();
        var first = new StepIntent { Step = "StopSystem", Target = "production", Intent = "Stop." };
        await Journal.BeginAsync(run, first, CancellationToken.None);
        await Journal.EndAsync(run, first.Step, first.Target, StepState.Failed, "no answer", new Dictionary<string, string>(), CancellationToken.None);
        await Journal.BeginAsync(run, new StepIntent { Step = "Later", Target = "backup", Intent = "After." }, CancellationToken.None);
        await Journal.BeginAsync(run, first with { Attempt = 2 }, CancellationToken.None);

        var view = (await Journal.ReadAsync(run, CancellationToken.None))!;

        view.Steps.Select(s => (s.Step, s.Attempt, s.State)).ShouldBe([("StopSystem", 2, StepState.Intended), ("Later", 1, StepState.Intended)]);
    }

    [Fact]
    public async Task A_closed_run_keeps_its_first_ending_and_its_facts()
    {
        var run = await OpenRunAsync();
        await Journal.NoteAsync(run, "detectedAt", "then", CancellationToken.None);
        await Journal.NoteAsync(run, "detectedAt", "now", CancellationToken.None);
        await Journal.CloseAsync(run, RunState.Done, "committed", CancellationToken.None);
        await Journal.CloseAsync(run, RunState.Stopped, "late", CancellationToken.None);
        await Journal.SetStateAsync(run, RunState.Running, CancellationToken.None);

        var view = (await Journal.ListAsync(Dilas, 10, CancellationToken.None)).Single();

        (view.State, view.Outcome, view.Facts["detectedAt"]).ShouldBe((RunState.Done, "committed", "now"));
    }

    [Fact]
    public async Task A_transaction_that_throws_leaves_nothing_behind()
    {
        await Should.ThrowAsync<InvalidOperationException>(() => Database.WriteAsync<int>(
            async (connection, transaction) =>
            {
                await connection.ExecuteAsync("insert into dr_known (kind, id, site) values ('System', 'x', 'y')", transaction: transaction);
                throw new InvalidOperationException("power cut");
            },
            CancellationToken.None));

        (await new KnownThings(Database).ListAsync(ThingKind.System, CancellationToken.None)).ShouldBeEmpty();
    }

    private protected async Task ExecuteAsync(string sql)
    {
        await using var connection = await Database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(sql);
    }

    private async Task<RunId> OpenRunAsync()
    {
        var run = new RunId("dilas-failover-1");
        await Journal.OpenAsync(
            new RunHeader
            {
                Id = run,
                System = Dilas,
                Kind = RunKind.Failover,
                From = Production,
                To = Backup,
                Epoch = Epoch.First,
                Actor = "test",
                Reason = "test",
                StartedAt = TimeProvider.System.GetUtcNow(),
            },
            CancellationToken.None);
        return run;
    }

    private static AuditRecord Entry(string text) => new()
    {
        At = TimeProvider.System.GetUtcNow(),
        Actor = "test",
        Action = "phase",
        Subject = "dilas",
        Epoch = Epoch.First,
        Text = text,
        Evidence = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" },
    };

    private static EventRecord Event(string text) => new() { At = TimeProvider.System.GetUtcNow(), Kind = "test", Subject = "dilas", Text = text };
}

using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Storage;

namespace Dr.Silo.Tests.Grains;

/// <summary>Orleans' storage provider on our tables and queries: what it must do on both databases.</summary>
public abstract class GrainStateSuite : IAsyncLifetime
{
    private readonly ScriptedWorld _world = new();
    private TestSilo? _silo;

    private protected Database Database { get; private set; } = null!;

    private protected TestSilo Silo => _silo!;

    private IGrainStorage Storage => Silo.Services.GetRequiredService<IGrainStorage>();

    public async ValueTask InitializeAsync()
    {
        Database = await OpenAsync();
        _silo = await TestSilo.StartAsync(Database, _world);
    }

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.DisposeAsync();
        }

        await _world.DisposeAsync();
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract Task<Database> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task State_is_read_back_as_it_was_written()
    {
        var id = NewId();
        var written = State("one");
        await Storage.WriteStateAsync("test", id, written);
        var read = await ReadAsync(id);

        (read.State!.Name, read.ETag, read.RecordExists).ShouldBe(("one", written.ETag, true));
    }

    [Fact]
    public async Task A_write_with_an_old_etag_is_a_conflict_and_changes_nothing()
    {
        var id = NewId();
        await Storage.WriteStateAsync("test", id, State("one"));
        var (mine, theirs) = (await ReadAsync(id), await ReadAsync(id));
        theirs.State = new TestState { Name = "theirs" };
        await Storage.WriteStateAsync("test", id, theirs);

        mine.State = new TestState { Name = "mine" };
        await Should.ThrowAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", id, mine));

        (await ReadAsync(id)).State!.Name.ShouldBe("theirs");
    }

    [Fact]
    public async Task Of_two_first_writes_one_is_a_conflict()
    {
        var id = NewId();
        await Storage.WriteStateAsync("test", id, State("first"));

        await Should.ThrowAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", id, State("second")));

        (await ReadAsync(id)).State!.Name.ShouldBe("first");
    }

    [Fact]
    public async Task A_write_with_an_etag_for_a_row_that_is_gone_is_a_conflict()
    {
        var orphan = State("orphan");
        orphan.ETag = "5";

        await Should.ThrowAsync<InconsistentStateException>(() => Storage.WriteStateAsync("test", NewId(), orphan));
    }

    [Fact]
    public async Task Clearing_needs_the_etag_too_and_the_row_can_be_written_again()
    {
        var id = NewId();
        await Storage.WriteStateAsync("test", id, State("one"));
        var (current, stale) = (await ReadAsync(id), await ReadAsync(id));
        await Storage.WriteStateAsync("test", id, current);

        await Should.ThrowAsync<InconsistentStateException>(() => Storage.ClearStateAsync("test", id, stale));
        await Storage.ClearStateAsync("test", id, current);
        current.State = new TestState { Name = "again" };
        await Storage.WriteStateAsync("test", id, current);

        (await ReadAsync(id)).State!.Name.ShouldBe("again");
    }

    [Fact]
    public async Task Of_many_writers_with_the_same_etag_exactly_one_wins()
    {
        var id = NewId();
        await Storage.WriteStateAsync("test", id, State("start"));
        var copies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ReadAsync(id)));

        var won = await Task.WhenAll(copies.Select(async copy =>
        {
            try
            {
                await Storage.WriteStateAsync("test", id, copy);
                return true;
            }
            catch (InconsistentStateException)
            {
                return false;
            }
        }));

        won.Count(w => w).ShouldBe(1);
    }

    [Fact]
    public async Task States_of_different_names_and_keys_do_not_touch()
    {
        var (a, b) = (NewId(), NewId());
        await Storage.WriteStateAsync("test", a, State("a"));
        await Storage.WriteStateAsync("test", b, State("b"));
        await Storage.WriteStateAsync("other", a, State("other"));

        (await ReadAsync(a)).State!.Name.ShouldBe("a");
        (await ReadAsync(b)).State!.Name.ShouldBe("b");
    }

    private async Task<GrainState<TestState>> ReadAsync(GrainId id)
    {
        var state = new GrainState<TestState>(new TestState());
        await Storage.ReadStateAsync("test", id, state);
        return state;
    }

    private static GrainId NewId() => GrainId.Create("test", Guid.NewGuid().ToString("N"));

    private static GrainState<TestState> State(string name) => new(new TestState { Name = name });
}

[GenerateSerializer, Alias("dr.test.TestState")]
public sealed class TestState
{
    [Id(0)] public string Name { get; set; } = "";
}

public sealed class SqliteGrainStateTests : GrainStateSuite
{
    private readonly TempDirectory _directory = new();

    protected override Task<Database> OpenAsync() => Task.FromResult<Database>(new SqliteDatabase(_directory.File("silo.db")));

    protected override Task CloseAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }
}

[Collection(PostgresCollection.Name)]
public sealed class PostgresGrainStateTests(PostgresServer server) : GrainStateSuite
{
    protected override async Task<Database> OpenAsync() => new PostgresDatabase(await server.CreateAsync());

    protected override async Task CloseAsync() => await ((PostgresDatabase)Database).DisposeAsync();

    [Fact]
    public async Task Reminders_are_kept_found_by_range_and_removed_only_with_their_etag()
    {
        var table = Silo.Services.GetRequiredService<IReminderTable>();
        var id = GrainId.Create("system", "x");
        var etag = await table.UpsertRow(new ReminderEntry { GrainId = id, ReminderName = "wake", StartAt = DateTime.UtcNow, Period = TimeSpan.FromMinutes(1) });

        (await table.ReadRow(id, "wake"))!.Period.ShouldBe(TimeSpan.FromMinutes(1));
        (await table.ReadRows(id)).Reminders.Count.ShouldBe(1);
        (await table.ReadRows(0, uint.MaxValue)).Reminders.ShouldContain(r => r.GrainId == id);
        (await table.ReadRows(uint.MaxValue, 0)).ShouldNotBeNull();
        (await table.RemoveRow(id, "wake", "99")).ShouldBeFalse();
        (await table.RemoveRow(id, "wake", etag!)).ShouldBeTrue();
        (await table.ReadRow(id, "wake")).ShouldBeNull();
    }

    [Fact]
    public async Task The_silo_is_a_member_of_its_cluster()
    {
        var members = Silo.Services.GetRequiredService<IMembershipTable>();

        var all = await members.ReadAllAsync(CancellationToken.None);

        all.Members.Count.ShouldBe(1);
        all.Members[0].Item1.Status.ShouldBe(SiloStatus.Active);
    }
}

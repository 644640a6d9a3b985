using Dapper;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Storage;

/// <summary>
/// Who may write: one row per system. What is unique in the whole system is this row, not an activation:
/// <list type="bullet">
/// <item>epoch, site and state change only by compare-and-swap on the epoch (and site) that the caller saw;</item>
/// <item>the epoch only grows;</item>
/// <item>a lease is granted only after reading here that the state is serving and that the asker is the granter. So once fencing is committed no lease that
/// was asked for later exists, whatever older activations still believe.</item>
/// </list>
/// </summary>
public sealed class OwnershipLedger(Database database, TimeProvider time)
{
    private const string Columns = "epoch as Epoch, site as Site, state as State, granter as Granter";

    public async Task<LedgerEntry?> ReadAsync(SystemId system, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<Row>($"select {Columns} from dr_ownership where system = @System", new { System = system.Value });
        return row?.ToEntry();
    }

    /// <summary>Makes the record at the first epoch if there is none, and returns what is there.</summary>
    public async Task<LedgerEntry> EnsureAsync(SystemId system, SiteId site, CancellationToken cancellationToken)
    {
        await database.WriteAsync(
            (connection, transaction) => connection.ExecuteAsync(
                "insert into dr_ownership (system, epoch, site, state, granter, changed_at) values (@System, 1, @Site, 'serving', '', @Now) on conflict (system) do nothing",
                new { System = system.Value, Site = site.Value, Now = Now() },
                transaction),
            cancellationToken);
        return await ReadAsync(system, cancellationToken) ?? throw new InvariantException($"the ownership record of {system} vanished.");
    }

    /// <summary>
    /// The point of no return: sets <paramref name="wanted"/> if the record still is <paramref name="expected"/>. Finding <paramref name="wanted"/> there
    /// already is success: an earlier attempt of the same claim made it.
    /// </summary>
    public async Task<ClaimResult> ClaimAsync(SystemId system, Ownership expected, Ownership wanted, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(wanted);
        Invariant.Require(wanted.Epoch > expected.Epoch, $"a claim on {system} would not raise the epoch ({expected.Epoch} to {wanted.Epoch}).");
        await ChangeAsync(
            "update dr_ownership set epoch = @Wanted, site = @To, state = 'serving', changed_at = @Now where system = @System and epoch = @Expected and site = @From",
            new { System = system.Value, Wanted = wanted.Epoch.Value, To = wanted.Site.Value, Expected = expected.Epoch.Value, From = expected.Site.Value, Now = Now() },
            cancellationToken);
        var actual = await ReadAsync(system, cancellationToken) ?? throw new InvariantException($"the ownership record of {system} vanished.");
        return new ClaimResult(actual.Owner == wanted, actual.Owner);
    }

    /// <summary>From the commit on nobody is granted a lease under <paramref name="epoch"/>. False: the record is of another epoch.</summary>
    public Task<bool> FenceAsync(SystemId system, Epoch epoch, CancellationToken cancellationToken) => SetStateAsync(system, epoch, "fencing", cancellationToken);

    /// <summary>Leases may be granted again under <paramref name="epoch"/>.</summary>
    public Task<bool> ReleaseAsync(SystemId system, Epoch epoch, CancellationToken cancellationToken) => SetStateAsync(system, epoch, "serving", cancellationToken);

    /// <summary>
    /// Makes <paramref name="granter"/> the only one that may grant leases. The new one cannot know when the last lease was granted, but it was before this commit.
    /// </summary>
    public Task<bool> BecomeGranterAsync(SystemId system, string granter, CancellationToken cancellationToken) =>
        ChangeAsync("update dr_ownership set granter = @Granter where system = @System", new { System = system.Value, Granter = granter }, cancellationToken);

    private Task<bool> SetStateAsync(SystemId system, Epoch epoch, string state, CancellationToken cancellationToken) => ChangeAsync(
        "update dr_ownership set state = @State, changed_at = @Now where system = @System and epoch = @Epoch",
        new { System = system.Value, Epoch = epoch.Value, State = state, Now = Now() },
        cancellationToken);

    private Task<bool> ChangeAsync(string sql, object parameters, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) => await connection.ExecuteAsync(sql, parameters, transaction) == 1,
        cancellationToken);

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed record Row
    {
        public long Epoch { get; init; }

        public string Site { get; init; } = "";

        public string State { get; init; } = "";

        public string Granter { get; init; } = "";

        public LedgerEntry ToEntry() => new(new Ownership(new Epoch(Epoch), new SiteId(Site)), State == "fencing", Granter);
    }
}

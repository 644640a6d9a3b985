using Npgsql;

namespace Dr.Simulator.Live.Judging;

/// <summary>One state of a system's ownership record, in the order in which the database took them.</summary>
internal readonly record struct OwnershipEntry(string System, long Epoch, string Site);

/// <summary>Every change of the ownership records, written down by a trigger in the control plane's own database, so that no reader can miss one.</summary>
internal static class OwnershipHistory
{
    private const string Install = """
        create table if not exists judge_ownership (n bigserial primary key, system text not null, epoch bigint not null, site text not null);
        insert into judge_ownership (system, epoch, site) select system, epoch, site from dr_ownership;
        create or replace function judge_record() returns trigger language plpgsql as $$ begin insert into judge_ownership (system, epoch, site) values (new.system, new.epoch, new.site); return new; end $$;
        create or replace trigger judge_record after insert or update on dr_ownership for each row execute function judge_record();
        """;

    /// <summary>From now on; the records that are there are the first entries.</summary>
    public static async Task InstallAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Install, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<IReadOnlyList<OwnershipEntry>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select system, epoch, site from judge_ownership order by n", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<OwnershipEntry> entries = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(new OwnershipEntry(reader.GetString(0), reader.GetInt64(1), reader.GetString(2)));
        }

        return entries;
    }

    /// <summary>What of it breaks the rule, one sentence each: an epoch has one site, and epochs only grow. Pure.</summary>
    public static IReadOnlyList<string> Faults(IEnumerable<OwnershipEntry> entries)
    {
        List<string> faults = [];
        foreach (var system in entries.GroupBy(e => e.System))
        {
            var last = default(OwnershipEntry?);
            foreach (var entry in system)
            {
                if (last is { } before && entry.Epoch < before.Epoch)
                {
                    faults.Add($"{system.Key}: epoch {entry.Epoch} came after epoch {before.Epoch}");
                }
                else if (last is { } same && entry.Epoch == same.Epoch && entry.Site != same.Site)
                {
                    faults.Add($"{system.Key}: epoch {entry.Epoch} had two owners, {same.Site} and {entry.Site}");
                }

                last = entry;
            }
        }

        return faults;
    }

    /// <summary>How often the owner of a system changed. Pure.</summary>
    public static int Moves(IEnumerable<OwnershipEntry> entries, string system)
    {
        var sites = entries.Where(e => e.System == system).Select(e => e.Site).ToArray();
        return sites.Zip(sites.Skip(1)).Count(p => p.First != p.Second);
    }
}

using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>The rows of a table by phase and event, in the order of the table.</summary>
internal sealed class TableIndex(IEnumerable<TableRow> rows)
{
    private readonly Dictionary<(Phase, Type), TableRow[]> _rows = rows.GroupBy(row => (row.From, row.On)).ToDictionary(group => group.Key, group => group.ToArray());

    public TableRow[] Of(Phase phase, SystemEvent evt) => _rows.GetValueOrDefault((phase, evt.GetType()), []);
}

using System.Text;
using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>The table as a document and as a diagram; made of the rows, so it cannot say anything else.</summary>
public static class FailoverDiagram
{
    /// <summary>The diagram alone, one arrow per pair of phases.</summary>
    public static string Mermaid()
    {
        var text = new StringBuilder("stateDiagram-v2\n    [*] --> Unprotected\n");
        var arrows = FailoverTable.Rows
            .SelectMany(row => row.Targets.Select(to => (row.From, To: to, Event: row.On.Name)))
            .Where(arrow => arrow.From != arrow.To)
            .GroupBy(arrow => (arrow.From, arrow.To));
        foreach (var arrow in arrows.OrderBy(a => a.Key.From).ThenBy(a => a.Key.To))
        {
            text.Append(CultureInfo.InvariantCulture, $"    {arrow.Key.From} --> {arrow.Key.To} : {string.Join(", ", arrow.Select(a => a.Event).Distinct())}\n");
        }

        return text.ToString();
    }

    /// <summary>The whole document <c>failover-machine.md</c>.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder("""
            # The failover machine

            Generated from `FailoverTable`; a test keeps it equal. For one phase and event the first row whose guards all hold applies; an event that no row
            takes changes nothing. An effect is carried out after the state was written, and its answer comes back as another event.


            """);
        text.Append("```mermaid\n").Append(Mermaid()).Append("```\n");
        foreach (var phase in Enum.GetValues<Phase>())
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {phase}\n\nBudget: {Budgets.Of(phase):d\\.hh\\:mm\\:ss}\n\n| event | what it means | guards | next | effects |\n| --- | --- | --- | --- | --- |\n");
            foreach (var row in FailoverTable.Rows.Where(r => r.From == phase))
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"| {row.On.Name} | {row.Name} | {string.Join("; ", row.Guards.Select(g => g.Name))} | {string.Join(" or ", row.Targets.Distinct())} | {string.Join(", ", row.Effects.Select(e => $"{e.Name} ({e.Executor})"))} |\n");
            }
        }

        return text.ToString();
    }
}

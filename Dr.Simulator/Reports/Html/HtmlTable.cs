using System.Text;

namespace Dr.Simulator.Reports.Html;

/// <summary>A table with a head that repeats on every sheet.</summary>
internal sealed class HtmlTable
{
    private readonly StringBuilder _html = new("<table><thead><tr>");
    private readonly bool[] _left;

    /// <param name="columns">Names; a leading <c>&lt;</c> puts the column's text to the left.</param>
    public HtmlTable(params IReadOnlyList<string> columns)
    {
        _left = [.. columns.Select(c => c.StartsWith('<'))];
        foreach (var (name, left) in columns.Zip(_left))
        {
            _html.Append(left ? "<th class=\"l\">" : "<th>").Append(HtmlPage.Text(name.TrimStart('<'))).Append("</th>");
        }

        _html.Append("</tr></thead><tbody>");
    }

    /// <param name="style">Class of the row.</param>
    /// <param name="cells">Texts; one that begins with a tag is taken as it is.</param>
    public HtmlTable Row(string style, params IReadOnlyList<string> cells)
    {
        Invariant.Require(cells.Count == _left.Length, "a row of the table has another number of cells than its head.");
        _html.Append(style.Length > 0 ? $"<tr class=\"{style}\">" : "<tr>");
        for (var i = 0; i < cells.Count; i++)
        {
            _html.Append(_left[i] ? "<td class=\"l wrap\">" : "<td>").Append(cells[i].StartsWith("<span ", StringComparison.Ordinal) ? cells[i] : HtmlPage.Text(cells[i])).Append("</td>");
        }

        _html.Append("</tr>");
        return this;
    }

    public override string ToString() => _html + "</tbody></table>";
}

using System.Net;
using System.Text;

namespace Dr.Simulator.Reports.Html;

/// <summary>One self-contained page: its style is in it, nothing is loaded from elsewhere and no script runs.</summary>
internal sealed class HtmlPage
{
    private readonly StringBuilder _html = new();

    public HtmlPage(Texts texts, string title)
    {
        using var style = new StreamReader(typeof(HtmlPage).Assembly.GetManifestResourceStream("report.css") ?? throw new InvariantException("The report's style is not in the program."));
        _html.Append("<!doctype html>\n<html lang=\"").Append(texts.Language).Append("\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>")
            .Append(Text(title)).Append("</title><style>\n").Append(style.ReadToEnd()).Append("</style></head><body>\n");
    }

    /// <summary>Takes HTML as it is; texts go through <see cref="Text"/> first.</summary>
    public HtmlPage Add(string html)
    {
        _html.Append(html).Append('\n');
        return this;
    }

    /// <summary>A headed part. <paramref name="newPage"/>: on paper it begins on a new sheet.</summary>
    public HtmlPage Section(string id, string title, string? note, bool newPage = false) =>
        Add($"<section id=\"{id}\"{(newPage ? " class=\"page\"" : "")}><h2>{Text(title)}</h2>{(note is null ? "" : $"<p class=\"note\">{Text(note)}</p>")}");

    public HtmlPage End() => Add("</section>");

    /// <summary>What may be wider than a telephone scrolls in a box of its own.</summary>
    public HtmlPage Wide(string html) => Add($"<div class=\"wide\">{html}</div>");

    public HtmlPage Legend(params IEnumerable<(string Style, string Text)> entries) =>
        Add($"<div class=\"legend\">{string.Concat(entries.Select(e => e.Style == "line" ? $"<span><i class=\"line\"></i>{Text(e.Text)}</span>" : $"<span><i style=\"background:var(--{e.Style})\"></i>{Text(e.Text)}</span>"))}</div>");

    public HtmlPage List(IEnumerable<string> lines) => Add($"<ul>{string.Concat(lines.Select(l => $"<li>{Text(l)}</li>"))}</ul>");

    public override string ToString() => _html + "</body></html>\n";

    public static string Text(string text) => WebUtility.HtmlEncode(text);
}

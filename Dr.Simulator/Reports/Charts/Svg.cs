using System.Net;
using System.Text;

namespace Dr.Simulator.Reports.Charts;

/// <summary>One inline drawing. Its looks come from the page's style by class, so that screen, print and colour scheme agree.</summary>
internal sealed class Svg
{
    /// <summary>Every chart is drawn this wide, so that text has one size in all of them.</summary>
    public const double Width = 860;

    private readonly StringBuilder _text = new();

    /// <param name="title">Read out where the picture cannot be seen.</param>
    public Svg(double height, string title, double width = Width)
    {
        Raw($"<svg viewBox=\"0 0 {width:0.#} {height:0.#}\" role=\"img\" aria-label=\"{Escaped(title)}\" style=\"--w:{width:0}px\">");
    }

    public Svg Rect(double x, double y, double width, double height, string style, double radius = 0, string? tip = null) =>
        Shape($"<rect x=\"{x:0.##}\" y=\"{y:0.##}\" width=\"{width:0.##}\" height=\"{height:0.##}\"{(radius > 0 ? Format($" rx=\"{radius:0.#}\"") : "")} class=\"{style}\"", "rect", tip);

    public Svg Circle(double x, double y, double radius, string style, string? tip = null) => Shape($"<circle cx=\"{x:0.##}\" cy=\"{y:0.##}\" r=\"{radius:0.##}\" class=\"{style}\"", "circle", tip);

    public Svg Line(double x1, double y1, double x2, double y2, string style) => Raw($"<line x1=\"{x1:0.##}\" y1=\"{y1:0.##}\" x2=\"{x2:0.##}\" y2=\"{y2:0.##}\" class=\"{style}\"/>");

    public Svg Path(string points, string style) => Raw($"<path d=\"{points}\" class=\"{style}\"/>");

    public Svg Text(double x, double y, string text, string style = "", string anchor = "start") =>
        Raw($"<text x=\"{x:0.##}\" y=\"{y:0.##}\"{(style.Length > 0 ? $" class=\"{style}\"" : "")}{(anchor == "start" ? "" : $" text-anchor=\"{anchor}\"")}>{Escaped(text)}</text>");

    public override string ToString() => _text + "</svg>";

    public static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private Svg Shape(FormattableString open, string name, string? tip) => tip is null ? Raw($"{Format(open)}/>") : Raw($"{Format(open)}><title>{Escaped(tip)}</title></{name}>");

    private Svg Raw(FormattableString text)
    {
        _text.Append(Format(text));
        return this;
    }

    private static string Escaped(string text) => WebUtility.HtmlEncode(text);
}

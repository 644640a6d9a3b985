using System.Text;

namespace Dr.Silo.Api;

/// <summary>Prometheus' text format 0.0.4.</summary>
internal sealed class MetricsText
{
    private readonly StringBuilder _text = new();

    /// <param name="values">Label values in the family's order, and the value.</param>
    public MetricsText Add(MetricFamily family, IEnumerable<(string[] Labels, double Value)> values)
    {
        var names = family.Labels.Length == 0 ? [] : family.Labels.Split(',');
        _text.Append(CultureInfo.InvariantCulture, $"# HELP {family.Name} {family.Help}\n# TYPE {family.Name} {family.Type}\n");
        foreach (var (labels, value) in values)
        {
            _text.Append(family.Name);
            if (names.Length > 0)
            {
                _text.Append('{').AppendJoin(',', names.Zip(labels, (name, label) => $"{name}=\"{Escape(label)}\"")).Append('}');
            }

            _text.Append(CultureInfo.InvariantCulture, $" {value:R}\n");
        }

        return this;
    }

    public MetricsText Add(MetricFamily family, double value) => Add(family, [([], value)]);

    public override string ToString() => _text.ToString();

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}

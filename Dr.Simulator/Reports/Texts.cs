using System.Text.Json;
using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports;

/// <summary>Everything that the reports say, by key, in one language. The files lie in <c>Reports/Texts</c>; both have the same keys with the same places.</summary>
internal sealed class Texts
{
    private readonly IReadOnlyDictionary<string, string> _texts;

    private Texts(IReadOnlyDictionary<string, string> texts) => _texts = texts;

    public static Texts English { get; } = Load("en");

    public static Texts Chinese { get; } = Load("zh");

    /// <summary>What <c>--lang</c> takes.</summary>
    public static IReadOnlyList<string> Languages { get; } = ["en", "zh"];

    public static Texts Of(string language) => language == "zh" ? Chinese : English;

    /// <summary>As HTML names it.</summary>
    public string Language => this["lang"];

    public IEnumerable<string> Keys => _texts.Keys;

    private bool IsChinese => Language.StartsWith("zh", StringComparison.Ordinal);

    public string this[string key] => _texts.TryGetValue(key, out var text) ? text : throw new InvariantException($"The texts of '{_texts["lang"]}' have no '{key}'.");

    public string Of(string key, params ReadOnlySpan<object?> args) => string.Format(CultureInfo.InvariantCulture, this[key], args);

    public string Of(Finding finding) => Of(finding.Key, [.. finding.Args.Select(Word)]);

    public string Date(DateOnly day) => day.ToString(this["date"], CultureInfo.InvariantCulture);

    public string Month(DateOnly day) => day.ToString(this["month"], CultureInfo.InvariantCulture);

    public string List(IEnumerable<string> parts) => string.Join(this["list.separator"], parts);

    public string Name(SystemResult system) => NameOf(system.System, system.Name, system.NameZh);

    public string Name(IncidentResult incident) => NameOf(incident.System, incident.Name, incident.NameZh);

    public string Symptom(IncidentResult incident) => IsChinese ? incident.SymptomZh : incident.Symptom;

    public string Kind(string kind) => this[$"kind.{kind}"];

    public string Remedy(Remedy remedy) => this[$"remedy.{remedy}"];

    public string Percent(double value, string format = "0.0") => Of("unit.percent", value.ToString(format, CultureInfo.InvariantCulture));

    /// <summary>A span for people: seconds up to two minutes, minutes up to two hours; a stroke for what never came.</summary>
    public string Span(double? seconds) => seconds switch
    {
        null => "–",
        0 => "0",
        < 10 => Of("unit.s", Number(seconds.Value, "0.0")),
        < 120 => Of("unit.s", Number(seconds.Value, "0")),
        < 7200 => Of("unit.min", Number(seconds.Value / 60, "0.#")),
        _ => Of("unit.h", Number(seconds.Value / 3600, "0.#")),
    };

    public string Pair(Spread? spread) => spread is null ? "–" : $"{Span(spread.Median)} / {Span(spread.P95)}";

    /// <summary>The log has one Chinese name for all equipment; each piece has its own here.</summary>
    private string NameOf(SystemId id, string english, string chinese) => !IsChinese ? english : _texts.GetValueOrDefault($"equipment.{id}") ?? chinese;

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Arguments may be words of the language themselves.</summary>
    private object Word(object argument) => argument switch
    {
        SystemKind kind => Kind(kind.ToString()),
        Finding inner => Of(inner),
        IEnumerable<string> list => List(list),
        _ => argument,
    };

    private static Texts Load(string language)
    {
        var name = $"texts-{language}.json";
        using var stream = typeof(Texts).Assembly.GetManifestResourceStream(name) ?? throw new InvariantException($"The texts {name} are not in the program.");
        return new Texts(JsonSerializer.Deserialize<Dictionary<string, string>>(stream) ?? throw new InvariantException($"The texts {name} are empty."));
    }
}

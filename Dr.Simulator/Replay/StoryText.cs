using System.Runtime.CompilerServices;

namespace Dr.Simulator.Replay;

/// <summary>Text that is only put together when the incident keeps its story.</summary>
[InterpolatedStringHandler]
internal ref struct StoryText
{
    private DefaultInterpolatedStringHandler _text;

    public StoryText(int literalLength, int formattedCount, Incident incident, out bool wanted)
    {
        wanted = incident.KeepsStory;
        _text = wanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

    public string Take() => _text.ToStringAndClear();
}

using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Dr.Edge.Host.Config;

/// <summary>Durations in YAML as people write them: <c>500ms</c>, <c>10s</c>, <c>5m</c>, <c>2h</c>, <c>1d</c>.</summary>
internal sealed class DurationYamlConverter : IYamlTypeConverter
{
    public bool Accepts(Type type) => type == typeof(TimeSpan);

    public object ReadYaml(IParser parser, Type type, ObjectDeserializer rootDeserializer)
    {
        var scalar = parser.Consume<Scalar>();
        try
        {
            return Quantities.ParseDuration(scalar.Value, $"line {scalar.Start.Line}");
        }
        catch (DrException exception)
        {
            throw new YamlException(scalar.Start, scalar.End, $"{exception.Message} {exception.Hint}", exception);
        }
    }

    public void WriteYaml(IEmitter emitter, object? value, Type type, ObjectSerializer serializer) =>
        emitter.Emit(new Scalar(((TimeSpan)value!).TotalMilliseconds.ToString(CultureInfo.InvariantCulture) + "ms"));
}

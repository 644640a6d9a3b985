using Dr.Edge.Host.Config;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Dr.Edge.Hosting;

/// <summary>Reads the YAML of <c>--config</c>. An unknown key is an error: a misspelt one must not be a silent default.</summary>
internal static class EdgeConfigFile
{
    public static EdgeConfig Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"The configuration {path} cannot be read: {exception.Message}", "Check the path after --config.", exception);
        }

        return Parse(text, path);
    }

    internal static EdgeConfig Parse(string text, string path)
    {
        var deserializer = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).WithTypeConverter(new DurationYamlConverter()).Build();
        try
        {
            return deserializer.Deserialize<EdgeConfig?>(text) ?? new EdgeConfig();
        }
        catch (YamlException exception)
        {
            throw new ConfigurationException(
                $"The configuration {path} is wrong at line {exception.Start.Line}: {exception.InnerException?.Message ?? exception.Message}",
                "Compare with the sample in deploy; keys are camelCase.",
                exception);
        }
    }
}

using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Dr.Silo.Hosting;

/// <summary>Reads the YAML of <c>--config</c>. An unknown key is an error: a misspelt one must not be a silent default.</summary>
internal static class SiloConfigFile
{
    public static SiloPlan Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"The configuration {path} cannot be read: {exception.Message}", "Check the path after --config.", exception);
        }
    }

    internal static SiloPlan Parse(string text, string path)
    {
        var deserializer = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build();
        try
        {
            return SiloPlanner.Plan(deserializer.Deserialize<SiloConfig?>(text) ?? new SiloConfig(), path);
        }
        catch (YamlException exception)
        {
            throw new ConfigurationException(
                $"The configuration {path} is wrong at line {exception.Start.Line}: {exception.InnerException?.Message ?? exception.Message}",
                "Keys are camelCase; deploy/quickstart.sh writes a complete example.",
                exception);
        }
    }
}

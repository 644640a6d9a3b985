using System.Reflection;
using System.Security.Cryptography;

namespace Dr.Silo.WebConsole;

/// <summary>One file of the page, built into the program: nothing is read from disk and nothing comes from elsewhere.</summary>
public sealed class ConsoleAsset
{
    public required string Name { get; init; }

    public required string ContentType { get; init; }

    public required ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Path with the build in it: a new program is a new address, so that browsers may keep it for good.</summary>
    public string Url => $"{ConsoleAssets.Path}/{ConsoleAssets.Build}/{Name}";

    internal static ConsoleAsset Load(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"console/{name}") ?? throw new DrException($"The console's file '{name}' is not built in.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new ConsoleAsset
        {
            Name = name,
            Content = content,
            ContentType = System.IO.Path.GetExtension(name) switch
            {
                ".css" => "text/css; charset=utf-8",
                ".js" => "text/javascript; charset=utf-8",
                ".svg" => "image/svg+xml",
                _ => "application/octet-stream",
            },
        };
    }

    internal static string Digest(IEnumerable<ConsoleAsset> assets)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var asset in assets)
        {
            hash.AppendData(asset.Content.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 6));
    }
}

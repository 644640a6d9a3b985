using System.Collections.Frozen;

namespace Dr.Silo.WebConsole;

/// <summary>The files of the page.</summary>
public static class ConsoleAssets
{
    public const string Path = "/console/assets";

    public static ConsoleAsset Style { get; } = ConsoleAsset.Load("console.css");

    /// <summary>Runs before the first paint, so that a chosen theme does not flash.</summary>
    public static ConsoleAsset Theme { get; } = ConsoleAsset.Load("theme.js");

    public static ConsoleAsset Script { get; } = ConsoleAsset.Load("console.js");

    public static ConsoleAsset SignIn { get; } = ConsoleAsset.Load("signin.js");

    public static ConsoleAsset Icon { get; } = ConsoleAsset.Load("icon.svg");

    public static FrozenDictionary<string, ConsoleAsset> All { get; } =
        new[] { Style, Theme, Script, SignIn, Icon, ConsoleAsset.Load("link.js"), ConsoleAsset.Load("morph.js"), ConsoleAsset.Load("orders.js"), ConsoleAsset.Load("session.js"), ConsoleAsset.Load("times.js") }
            .ToFrozenDictionary(a => a.Name, StringComparer.Ordinal);

    /// <summary>Digest of all files; a page that sees another one than its own loads itself anew.</summary>
    public static string Build { get; } = ConsoleAsset.Digest(All.Values.OrderBy(a => a.Name, StringComparer.Ordinal));
}

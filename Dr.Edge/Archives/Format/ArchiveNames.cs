using System.Text.RegularExpressions;

namespace Dr.Edge.Archives.Format;

/// <summary>Names of the files of an archive.</summary>
internal static partial class ArchiveNames
{
    public const string PartExtension = ".drarchive";
    public const string CatalogueExtension = ".catalogue";

    /// <summary>Behind the name of what is not whole yet.</summary>
    public const string PartialExtension = ".partial";

    public static string Part(string name, int number) => string.Create(CultureInfo.InvariantCulture, $"{name}.{number:0000}{PartExtension}");

    public static string Catalogue(string name) => name + CatalogueExtension;

    /// <summary>Of <c>NAME.0001.drarchive</c>.</summary>
    public static bool TryParsePart(string file, out string name, out int number)
    {
        var match = PartName().Match(file);
        name = match.Groups["name"].Value;
        number = 0;
        return match.Success && int.TryParse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>What an archive is called unless it is told otherwise.</summary>
    public static string Default(string volume, PointId? point, long sequence) => point is { } id ? $"{volume}-{id}" : string.Create(CultureInfo.InvariantCulture, $"{volume}-write-{sequence}");

    [GeneratedRegex(@"^(?<name>.+)\.(?<number>\d{4,7})\.drarchive$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PartName();
}

using System.Text.RegularExpressions;

namespace Dr.EndToEnd.Tests.Architecture;

/// <summary>
/// The generator of log methods takes the files of a class in an order that changes from build to build, and writes the class's members in that order. With all of them in one file there is one order, and packages are the same to the byte.
/// </summary>
public sealed partial class LogMethodTests
{
    [Fact]
    public void The_log_methods_of_a_class_are_in_one_file() =>
        Directory.EnumerateFiles(Repository.Root, "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetRelativePath(Repository.Root, file) is var path && path.StartsWith("Dr.", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal))
            .Select(file => (File: file, Text: File.ReadAllText(file)))
            .Where(source => source.Text.Contains("[LoggerMessage(", StringComparison.Ordinal))
            .SelectMany(source => LoggingClass().Matches(source.Text).Select(match => (Class: $"{Path.GetDirectoryName(source.File)}: {match.Groups["name"].Value}", source.File)))
            .GroupBy(found => found.Class)
            .Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(found => Path.GetFileName(found.File)))}")
            .ShouldBeEmpty();

    [GeneratedRegex(@"^\s*(public |internal |private |sealed |static )*partial class (?<name>\w+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LoggingClass();
}

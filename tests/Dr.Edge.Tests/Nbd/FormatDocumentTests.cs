using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed partial class FormatDocumentTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(SourceRoot(), "Dr.Edge", "Nbd", "nbd.md"));

    [Fact]
    public void Magic_numbers_and_sizes_are_the_documented_ones()
    {
        var documented = ConstantRow().Matches(Document).ToDictionary(match => match.Groups["name"].Value, match => Parse(match.Groups["value"].Value), StringComparer.Ordinal);
        documented.Count.ShouldBe(24);
        foreach (var (name, value) in documented)
        {
            var constant = typeof(NbdProtocol).GetField(name, BindingFlags.Public | BindingFlags.Static);
            constant.ShouldNotBeNull($"{name} is documented but not in the code");
            Convert.ToUInt64(constant.GetRawConstantValue(), CultureInfo.InvariantCulture).ShouldBe(value, name);
        }
    }

    [Fact]
    public void Options_and_commands_are_the_documented_ones()
    {
        var documented = NumberRow().Matches(Document).Select(match => (match.Groups["name"].Value, uint.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture)));
        var known = Enum.GetValues<NbdOption>().Select(option => (option.ToString(), (uint)option))
            .Concat(Enum.GetValues<NbdCommand>().Select(command => (command.ToString(), (uint)command)));
        documented.ShouldBe(known, ignoreOrder: true);
    }

    [Fact]
    public void Documented_limits_are_the_real_ones()
    {
        Document.ShouldContain($"{NbdLimits.MinimumBlockBytes} / {NbdLimits.PreferredBlockBytes} / {NbdLimits.MaxPayloadBytes >> 20} MiB");
        Document.ShouldContain($"longer than {NbdLimits.MaxOptionBytes >> 10} KiB");
        Document.ShouldContain($"at most {NbdLimits.MaxStatusExtents} extents");
        Document.ShouldContain($"may take {new NbdLimits().HandshakeTime.TotalSeconds:0} s");
        foreach (var error in Enum.GetValues<NbdError>().Where(error => error != NbdError.None))
        {
            Document.ShouldMatch($@"E[A-Z]+ {(uint)error}\b");
        }
    }

    [Fact]
    public void Every_rule_of_the_document_names_tests_that_are_there()
    {
        var rules = Document[Document.IndexOf("## What the protocol", StringComparison.Ordinal)..].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(2).ToList();
        rules.Count.ShouldBeGreaterThan(30);
        var methods = typeof(FormatDocumentTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods().Where(method => method.GetCustomAttributes(typeof(FactAttribute), inherit: true).Length > 0).Select(method => $"{type.Name}.{method.Name}"))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var rule in rules)
        {
            var named = TestName().Matches(rule).Select(match => match.Groups["name"].Value).ToList();
            named.ShouldNotBeEmpty(rule);
            named.Except(methods, StringComparer.Ordinal).ShouldBeEmpty(rule);
        }
    }

    private static ulong Parse(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : ulong.Parse(text, CultureInfo.InvariantCulture);

    private static string SourceRoot([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex(@"^\| `(?<name>\w+)` \| `?(?<value>0x[0-9A-F]+|\d+)`? \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex ConstantRow();

    [GeneratedRegex(@"`(?<name>\w+Tests\.\w+)`", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex TestName();

    [GeneratedRegex(@"^\| (?<name>[A-Z]\w+) \| (?<value>\d+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex NumberRow();
}

using System.Reflection;
using Dr.Silo.Grains;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Dr.Silo.Tests.Grains;

/// <summary>
/// What is in the databases of those who run this: the bytes of every stored state as each version wrote them, in <c>tests/golden/states</c>, must read as what was written. A state
/// that got a member gets a new golden file (<c>DR_WRITE_GOLDEN=1</c> writes it when it is not there); the old files stay for ever.
/// </summary>
public sealed class StoredStateTests : IDisposable
{
    private const string Write = "DR_WRITE_GOLDEN";

    private readonly ServiceProvider _services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    private Serializer Serializer => _services.GetRequiredService<Serializer>();

    public static TheoryData<string> States => [nameof(SystemRecord), nameof(DeviceRecord), nameof(VolumeRecord), nameof(PolicyRecord), nameof(SiteRecord)];

    public void Dispose() => _services.Dispose();

    [Fact]
    public void Every_stored_state_is_looked_at() =>
        StateTypes().Select(t => t.Name).Order(StringComparer.Ordinal).ShouldBe(States.Select(s => s.Data).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(States))]
    public void Every_member_of_a_state_is_read_back_as_it_was_written(string name)
    {
        var sample = Sample(name);

        StateSample.Lines(Read(name, Bytes(name, sample))).ShouldBe(StateSample.Lines(sample));
    }

    [Theory]
    [MemberData(nameof(States))]
    public void Every_version_ever_written_is_read_as_what_it_was(string name)
    {
        var versions = Directory.GetFiles(Folder, $"{name}-v*.bin").Order(StringComparer.Ordinal).ToArray();
        versions.ShouldNotBeEmpty();
        foreach (var path in versions)
        {
            var now = StateSample.Lines(Read(name, File.ReadAllBytes(path))).ToHashSet(StringComparer.Ordinal);
            var then = File.ReadAllLines(Path.ChangeExtension(path, ".txt"));
            then.Where(line => !now.Contains(line)).ShouldBeEmpty($"{Path.GetFileName(path)} is not read as what it was");
        }
    }

    /// <summary>A member without a golden file could be changed or lost without anybody noticing.</summary>
    [Theory]
    [MemberData(nameof(States))]
    public void The_newest_golden_file_has_every_member_that_is_stored_today(string name)
    {
        var lines = StateSample.Lines(Sample(name));
        var newest = Directory.GetFiles(Folder, $"{name}-v*.txt").MaxBy(VersionOf);
        if (Environment.GetEnvironmentVariable(Write) == "1" && (newest is null || !File.ReadAllLines(newest).SequenceEqual(lines)))
        {
            newest = Path.Combine(Folder, $"{name}-v{(newest is null ? 1 : VersionOf(newest) + 1)}.txt");
            File.WriteAllLines(newest, lines);
            File.WriteAllBytes(Path.ChangeExtension(newest, ".bin"), Bytes(name, Sample(name)));
        }

        newest.ShouldNotBeNull();
        var covered = File.ReadAllLines(newest).Select(Member).ToHashSet(StringComparer.Ordinal);
        lines.Select(Member).Distinct().Where(member => !covered.Contains(member)).ShouldBeEmpty($"{name} has members that no golden file has: run this test once with {Write}=1 and keep what it writes");
    }

    /// <summary>A database of an older version holds no aliases that this one does not know, and no two types share one.</summary>
    [Fact]
    public void Everything_stored_has_an_alias_and_an_id()
    {
        var types = new HashSet<Type>();
        foreach (var type in StateTypes())
        {
            Collect(type, types);
        }

        types.Count.ShouldBeGreaterThan(20);
        types.Where(t => !t.GetCustomAttributes<AliasAttribute>(inherit: false).Any()).Select(t => t.FullName).ShouldBeEmpty();
        types.SelectMany(t => t.GetCustomAttributes<AliasAttribute>(inherit: false).Select(a => a.Alias).Distinct()).ShouldBeUnique();
        types.SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(p => t.GetField($"<{p.Name}>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance) is not null && p.GetCustomAttribute<IdAttribute>() is null)
            .Select(p => $"{t.Name}.{p.Name}")).ShouldBeEmpty();
    }

    private static string Folder => Path.Combine(RepositoryRoot(), "tests", "golden", "states");

    private static int VersionOf(string path) => int.Parse(Path.GetFileNameWithoutExtension(path).Split("-v")[1], System.Globalization.CultureInfo.InvariantCulture);

    private static string Member(string line) => System.Text.RegularExpressions.Regex.Replace(line.Split(" = ")[0].Split(" is ")[0], @"\[\d+\]", "[]", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));

    private static IEnumerable<Type> StateTypes() => typeof(SystemRecord).Assembly.GetTypes()
        .Where(t => t.IsSubclassOf(typeof(Grain)))
        .SelectMany(t => t.GetConstructors().SelectMany(c => c.GetParameters()))
        .Select(p => p.ParameterType)
        .Where(t => t is { IsGenericType: true, Name: "IPersistentState`1" })
        .Select(t => t.GetGenericArguments()[0])
        .Distinct();

    private static void Collect(Type type, HashSet<Type> types)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsGenericType || type.IsArray)
        {
            Array.ForEach(type.IsArray ? [type.GetElementType()!] : type.GetGenericArguments(), t => Collect(t, types));
        }
        else if (type.Namespace?.StartsWith("Dr.", StringComparison.Ordinal) == true && !type.IsEnum && types.Add(type))
        {
            foreach (var kind in StateSample.Kinds(type).Append(type))
            {
                Collect(kind, types);
                foreach (var property in kind.GetProperties().Where(p => p.GetCustomAttribute<IdAttribute>() is not null))
                {
                    Collect(property.PropertyType, types);
                }
            }
        }
    }

    private static object Sample(string name) => name switch
    {
        nameof(SystemRecord) => StateSample.Of<SystemRecord>(),
        nameof(DeviceRecord) => StateSample.Of<DeviceRecord>(),
        nameof(PolicyRecord) => StateSample.Of<PolicyRecord>(),
        nameof(SiteRecord) => StateSample.Of<SiteRecord>(),
        _ => StateSample.Of<VolumeRecord>(),
    };

    private byte[] Bytes(string name, object state) => name switch
    {
        nameof(SystemRecord) => Serializer.SerializeToArray((SystemRecord)state),
        nameof(DeviceRecord) => Serializer.SerializeToArray((DeviceRecord)state),
        nameof(PolicyRecord) => Serializer.SerializeToArray((PolicyRecord)state),
        nameof(SiteRecord) => Serializer.SerializeToArray((SiteRecord)state),
        _ => Serializer.SerializeToArray((VolumeRecord)state),
    };

    private object? Read(string name, byte[] bytes) => name switch
    {
        nameof(SystemRecord) => Serializer.Deserialize<SystemRecord>(bytes),
        nameof(DeviceRecord) => Serializer.Deserialize<DeviceRecord>(bytes),
        nameof(PolicyRecord) => Serializer.Deserialize<PolicyRecord>(bytes),
        nameof(SiteRecord) => Serializer.Deserialize<SiteRecord>(bytes),
        _ => Serializer.Deserialize<VolumeRecord>(bytes),
    };

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Dr.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("Run the tests from the repository.");
    }
}

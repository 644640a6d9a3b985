using Dr.Contracts.Ids;
using Dr.Edge.Volumes;
using Dr.Silo.Decisions.Failover;

namespace Dr.EndToEnd.Tests.Architecture;

/// <summary>Decide in the core, act in the shell: the core's compiled code touches no file, socket, clock, log, chance or task.</summary>
public sealed class PurityTests
{
    private static readonly string[] BannedPrefixes =
    [
        "System.IO.File", "System.IO.Directory", "System.IO.FileStream", "System.IO.RandomAccess", "System.IO.DriveInfo", "System.IO.Pipes.", "System.Net.Sockets.", "System.Net.Http.", "System.Net.Dns",
        "System.Console::", "System.Diagnostics.Stopwatch", "System.Diagnostics.Process", "System.Random::", "System.Security.Cryptography.RandomNumberGenerator", "System.TimeProvider",
        "System.Threading.Tasks.Task::", "System.Threading.Thread::", "System.Threading.Timer", "System.Threading.PeriodicTimer", "Microsoft.Extensions.Logging.", "Microsoft.Extensions.Hosting.",
        "System.Environment::", "MQTTnet.", "Npgsql.", "Microsoft.Data.Sqlite.", "LiteDB.", "Microsoft.Win32.SafeHandles.SafeFileHandle",
    ];

    private static readonly string[] BannedMembers =
    [
        "System.DateTime::get_Now", "System.DateTime::get_UtcNow", "System.DateTime::get_Today", "System.DateTimeOffset::get_Now", "System.DateTimeOffset::get_UtcNow", "System.Guid::NewGuid",
    ];

    [Fact]
    public void The_decision_core_does_no_io_and_reads_no_clock() =>
        Offences(typeof(FailoverMachine).Assembly.Location, (ns, _) => In(ns, "Dr.Silo.Decisions")).ShouldBeEmpty();

    [Fact]
    public void Policies_payloads_and_wire_codecs_do_no_io_and_read_no_clock() =>
        Offences(typeof(Epoch).Assembly.Location, (ns, name) =>
            In(ns, "Dr.Contracts.Policy") || ns == "Dr.Contracts.Mqtt" || ns == "Dr.Contracts.Grains" || (In(ns, "Dr.Contracts") && name.EndsWith("Codec", StringComparison.Ordinal))).ShouldBeEmpty();

    [Fact]
    public void The_edges_codecs_do_no_io_and_read_no_clock() =>
        Offences(typeof(IBlockDevice).Assembly.Location, (_, name) => name.EndsWith("Codec", StringComparison.Ordinal)).ShouldBeEmpty();

    [Fact]
    public void The_simulated_world_reads_no_clock_and_rolls_no_dice_of_its_own() =>
        Offences(typeof(Simulator.Replay.ReplayCommand).Assembly.Location, (ns, name) =>
            In(ns, "Dr.Simulator.World") || (In(ns, "Dr.Simulator.Replay") && name is not ("FaultLog" or "ReplayCommand"))
            || (In(ns, "Dr.Simulator.Years") && name is not ("YearsCommand" or "YearsRun" or "Regressions"))).ShouldBeEmpty();

    [Fact]
    public void A_type_that_reads_the_clock_or_a_file_is_caught()
    {
        var offences = Offences(typeof(PurityTests).Assembly.Location, (_, name) => name == nameof(PurityTests));
        offences.ShouldContain(o => o.Contains("get_UtcNow", StringComparison.Ordinal));
        offences.ShouldContain(o => o.Contains("System.IO.File::Exists", StringComparison.Ordinal));
        offences.ShouldContain(o => o.Contains("System.Random::", StringComparison.Ordinal));
    }

    [Fact]
    public void Edge_and_silo_meet_only_in_the_contracts()
    {
        var (contracts, edge, silo, simulator) = ("Dr.Contracts", "dr-edge", "dr-silo", "dr-sim");
        IlReferences.AssembliesReferencedBy(typeof(Epoch).Assembly.Location).Intersect([edge, silo, simulator]).ShouldBeEmpty();
        IlReferences.AssembliesReferencedBy(typeof(IBlockDevice).Assembly.Location).Intersect([silo, simulator]).ShouldBeEmpty();
        IlReferences.AssembliesReferencedBy(typeof(FailoverMachine).Assembly.Location).Intersect([edge, simulator]).ShouldBeEmpty();
        IlReferences.AssembliesReferencedBy(typeof(FailoverMachine).Assembly.Location).ShouldContain(contracts);
    }

    private static bool In(string ns, string root) => ns == root || ns.StartsWith(root + ".", StringComparison.Ordinal);

    private static string[] Offences(string assembly, Func<string, string, bool> wanted)
    {
        var uses = IlReferences.Of(assembly, wanted).ToArray();
        uses.ShouldNotBeEmpty("nothing was looked at: the namespace or the name has moved");
        return [.. uses
            // Every iterator asks on which thread it is enumerated: the compiler's code, not ours.
            .Where(u => u.Uses != "System.Environment::get_CurrentManagedThreadId")
            .Where(u => BannedMembers.Contains(u.Uses) || BannedPrefixes.Any(banned => u.Uses.StartsWith(banned, StringComparison.Ordinal)))
            .Select(u => $"{u.Type} uses {u.Uses}")
            .Distinct()];
    }

    private static class Impure
    {
        public static bool Bad() => File.Exists("x") || DateTime.UtcNow.Year > Random.Shared.Next();
    }
}

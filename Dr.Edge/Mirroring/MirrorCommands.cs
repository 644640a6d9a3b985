using System.CommandLine;
using Dr.Edge.Cli;

namespace Dr.Edge.Mirroring;

/// <summary><c>dr-edge mirror run</c>.</summary>
internal static class MirrorCommands
{
    private const double MiB = 1 << 20;

    public static Command Create() => new("mirror", "Keep a volume equal to a disk, an image file or a directory that stays in use.") { Run() };

    private static Command Run()
    {
        var source = new Argument<string>("SOURCE") { Description = "Block device, image file or directory; it may be in use." };
        var volume = new Argument<string>("VOLUME") { Description = "The protected volume; of a directory it holds a file system with its files." };
        var nbd = new Option<string>("--nbd") { Description = "Where the appliance serves the volume: unix:/path or tcp:host:port.", Required = true, HelpName = "ADDRESS" };
        var control = new Option<string?>("--control") { Description = "Control socket of the appliance, when it is on this machine: a point is taken after every round, and after a restart only what changed is read from the volume.", HelpName = "PATH" };
        var state = new Option<string>("--state") { Description = "Directory for what the mirror remembers (default /var/lib/dr/mirror).", DefaultValueFactory = _ => "/var/lib/dr/mirror", HelpName = "DIR" };
        var every = new Option<string>("--every") { Description = "Time from one round to the next (default 5m).", DefaultValueFactory = _ => "5m", HelpName = "TIME" };
        var once = new Option<bool>("--once") { Description = "One round, then end." };
        var verify = new Option<bool>("--verify") { Description = "Compare the contents in the first round, whatever is remembered." };
        var overwrite = new Option<bool>("--overwrite") { Description = "The volume may hold something else; its history stays." };
        var byHash = new Option<bool>("--by-hash") { Description = "Of a directory: tell changed files by their contents and not by size and time of change." };
        var fileSystem = new Option<string>("--file-system") { Description = "Of a directory: made on an empty volume (default ext4).", DefaultValueFactory = _ => "ext4", HelpName = "ext4|xfs|btrfs" };
        var quiesce = new Option<string?>("--quiesce") { Description = "How a point becomes one moment of the application: fsfreeze, command, or of a directory postgresql (its backup mode).", HelpName = "PROVIDER" };
        var freeze = new Option<string?>("--freeze") { Description = "With 'command': holds all writing.", HelpName = "COMMAND" };
        var thaw = new Option<string?>("--thaw") { Description = "With 'command': lets it go on; also run at the deadline by a watchdog.", HelpName = "COMMAND" };
        var snapshot = new Option<string?>("--snapshot") { Description = "Run while the source is held still; prints the path of a device or file that is read afterwards in its place (LVM, a reflink).", HelpName = "COMMAND" };
        var release = new Option<string?>("--release") { Description = "Takes the snapshot $DR_SNAPSHOT away.", HelpName = "COMMAND" };
        var connection = new Option<string?>("--connection") { Description = "With 'postgresql': how to connect.", HelpName = "STRING" };
        var timeout = new Option<string>("--quiesce-timeout") { Description = "How long the source may be held still (default 10s).", DefaultValueFactory = _ => "10s", HelpName = "TIME" };
        return CommandShell.Local(
            "run", "Make the volume equal to the source, again and again. Runs until Ctrl-C or SIGTERM; the next run goes on where it left off.",
            [source, volume, nbd, control, state, every, once, verify, overwrite, byHash, fileSystem, quiesce, freeze, thaw, snapshot, release, connection, timeout],
            async (parsed, json, cancellationToken) =>
            {
                var options = new MirrorOptions
                {
                    Source = Path.GetFullPath(parsed.GetRequiredValue(source)), Volume = parsed.GetRequiredValue(volume), Nbd = parsed.GetValue(nbd)!, StateDirectory = Path.GetFullPath(parsed.GetValue(state)!),
                    Every = CommandShell.Parse(() => Quantities.ParseDuration(parsed.GetValue(every)!, "--every")), Once = parsed.GetValue(once), Verify = parsed.GetValue(verify), Overwrite = parsed.GetValue(overwrite),
                    ByHash = parsed.GetValue(byHash), FileSystem = parsed.GetValue(fileSystem)!, Quiesce = parsed.GetValue(quiesce), Freeze = parsed.GetValue(freeze), Thaw = parsed.GetValue(thaw), Snapshot = parsed.GetValue(snapshot),
                    Release = parsed.GetValue(release), Connection = parsed.GetValue(connection), Timeout = CommandShell.Parse(() => Quantities.ParseDuration(parsed.GetValue(timeout)!, "--quiesce-timeout")),
                };
                Check(options);
                using var client = parsed.GetValue(control) is { } socket ? new ControlClient(socket) : null;
                await RunAsync(options, client, json, cancellationToken);
                return ProgramShell.Done;
            });
    }

    private static void Check(MirrorOptions options)
    {
        if (options.Quiesce is not (null or "fsfreeze" or "command" or "postgresql"))
        {
            throw new UsageException($"'{options.Quiesce}' is no provider.", "Use fsfreeze, command or postgresql.");
        }

        if (options.Quiesce == "command" && (options.Freeze is null || options.Thaw is null))
        {
            throw new UsageException("A command pair needs both commands.", "Give --freeze and --thaw.");
        }

        if (options.Quiesce == "postgresql" && (options.Connection is null || !Directory.Exists(options.Source)))
        {
            throw new UsageException("Backup mode is for the data directory of a PostgreSQL, and needs a connection to it.", "Give the directory as SOURCE, and --connection 'Host=/var/run/postgresql;Username=postgres'.");
        }

        if (options.Snapshot is not null && options.Quiesce is null)
        {
            throw new UsageException("A snapshot is taken while the source is held still.", "Give --quiesce as well.");
        }
    }

    private static async Task RunAsync(MirrorOptions options, ControlClient? client, bool json, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var target = new MirrorTarget(options, client, time);
        var loop = new MirrorLoop(options, target, () => Directory.Exists(options.Source) ? new TreeMirror(options, target, time) : new BlockMirror(options, target, time), time);
        var last = 0L;
        await loop.RunAsync(
            round =>
            {
                ClearLine();
                if (json)
                {
                    CommandShell.PrintJson(round);
                }
                else
                {
                    Console.Out.WriteLine(Describe(round));
                }
            },
            failure => Console.Error.WriteLine($"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ} {failure.Message} {failure.Hint} It is tried again."),
            (done, total) =>
            {
                const int perLine = 200;
                if (!json && !Console.IsErrorRedirected && Environment.TickCount64 - last > perLine)
                {
                    last = Environment.TickCount64;
                    Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{done / MiB:0} of {total / MiB:0} MiB ({100.0 * done / total:0} %) "));
                }
            },
            cancellationToken);
    }

    private static void ClearLine()
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write($"\r{new string(' ', 40)}\r");
        }
    }

    private static string Describe(MirrorRound round)
    {
        var what = round.Unchanged ? "unchanged"
            : round.ChangedFiles > 0 || round.ReadBytes == 0 ? $"{round.ChangedFiles} files changed, {round.Seconds:0.0} s"
            : $"{round.ChangedUnits} units of 512 bytes changed, {Quantities.FormatSize(round.ReadBytes)} read in {round.Seconds:0.0} s";
        return string.Create(CultureInfo.InvariantCulture, $"{round.At:yyyy-MM-ddTHH:mm:ssZ} {what}{(round.Point is null ? "" : $", point {round.Point}")}{(round.Consistency is null ? "" : $" ({round.Consistency}: {round.Reason})")}");
    }
}

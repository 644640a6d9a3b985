using System.CommandLine;
using System.Security.Cryptography;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Restoring;
using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives;

/// <summary>
/// <c>dr-edge archive</c>. Listing, verifying and restoring to an image read the medium themselves and need no running <c>dr-edge</c>: they must work where nothing else is left.
/// </summary>
internal static class ArchiveCommands
{
    public static Command Create() => new("archive", "Points of volumes on off-line media: written by the appliance, without the business server.")
    {
        CreateOne(), List(), Verify(), Restore(), NewKey(),
    };

    private static Command CreateOne()
    {
        var volume = VolumeCommands.VolumeArgument();
        var at = new Argument<string>("POINT") { Description = "A point's id or label, an ISO 8601 time, or how long ago like -30s." };
        var to = new Option<string>("--to") { Description = "A directory that is there (a file for every part), or a file that is not (all parts one behind another, as on a tape); as the dr-edge process sees it.", Required = true, HelpName = "DIR|FILE" };
        var name = new Option<string?>("--name") { Description = "What the archive is called; the files in a directory begin with it (default: VOLUME-POINT).", HelpName = "NAME" };
        var compress = new Option<bool>("--compress") { Description = "Compress with zstd where that saves something." };
        var partSize = new Option<string>("--part-size")
        {
            Description = "Largest part; what an interruption does again at most.",
            DefaultValueFactory = _ => "1GiB",
            HelpName = "SIZE",
        };
        var key = new KeyOptions();
        return CommandShell.Remote("create", "Write a point to an off-line medium. Repeated after an interruption it goes on behind the last whole part.", [volume, at, to, name, compress, partSize, .. key.Options], async context =>
        {
            var part = CommandShell.Parse(() => Quantities.ParseSize(context.Get(partSize)!, "--part-size"));
            if (part is < ArchiveLimits.MinPartBytes or > ArchiveLimits.MaxPartBytes)
            {
                throw new UsageException($"--part-size: {Quantities.FormatSize(part)} is too {(part < ArchiveLimits.MinPartBytes ? "small" : "large")}.", $"{Quantities.FormatSize(ArchiveLimits.MinPartBytes)} to {Quantities.FormatSize(ArchiveLimits.MaxPartBytes)}.");
            }

            var secret = key.Read(context.Parsed);
            var request = new ArchiveRequest(context.Get(at), FullPath(context.Get(to)!), context.Get(name), part, context.Get(compress), secret?.Kind ?? ArchiveKeyKind.None, secret?.Bytes);
            return await LongAsync(async () =>
            {
                var result = await ProgressShell.RunAsync<ArchiveResult>(context, $"{VolumeCommands.PathOf(context.Get(volume))}/archive", request);
                ArchivePrinter.Print(result, context.Json);
                return ProgramShell.Done;
            });
        });
    }

    private static Command List()
    {
        var place = PlaceArgument();
        return CommandShell.Local("list", "The archives on a medium: what they hold and whether all parts are there. Needs no key.", [place], (parsed, json, _) =>
        {
            var sets = ArchiveLocator.Find(parsed.GetRequiredValue(place));
            ArchivePrinter.Print([.. sets.Select(ArchiveSummary.Of)], json);
            return Task.FromResult(ProgramShell.Done);
        });
    }

    private static Command Verify()
    {
        var place = PlaceArgument();
        var name = NameOption();
        var key = new KeyOptions();
        return CommandShell.Local("verify", "Read an archive to its end and tell everything that is not as it was written; exit status 1 then. Without the key of an encrypted one, checksums only.", [place, name, .. key.Options], async (parsed, json, cancellationToken) =>
        {
            using var set = ArchiveLocator.FindOne(parsed.GetRequiredValue(place), parsed.GetValue(name));
            var secret = key.Read(parsed);
            var result = await ProgressShell.WatchAsync(json, "verifying", (progress, stop) => ArchiveVerify.Run(set, secret, progress, stop), cancellationToken);
            ArchivePrinter.Print(result, json);
            return result.Ok ? ProgramShell.Done : ProgramShell.Failed;
        });
    }

    private static Command Restore()
    {
        var place = PlaceArgument();
        var name = NameOption();
        var volume = new Option<string?>("--volume") { Description = "Make a new volume of it, in the running dr-edge.", HelpName = "NAME" };
        var image = new Option<string?>("--image") { Description = "Make a raw sparse image of it; needs no running dr-edge.", HelpName = "FILE" };
        var salvage = new Option<bool>("--salvage") { Description = "Restore what can be read of a damaged archive; what cannot is zeros and is told, and the exit status is 1." };
        var key = new KeyOptions();
        var control = CommandShell.ControlOption();
        return CommandShell.Local("restore", "Make a volume or an image of an archive. Repeated after an interruption it goes on where it stopped.", [place, name, volume, image, salvage, .. key.Options, control], (parsed, json, cancellationToken) =>
        {
            if (parsed.GetValue(volume) is null == parsed.GetValue(image) is null)
            {
                throw new UsageException("Either --volume or --image says where the content goes.", "dr-edge archive restore DIR|FILE --volume NAME, or --image FILE.");
            }

            return LongAsync(async () =>
            {
                var from = FullPath(parsed.GetRequiredValue(place));
                var secret = key.Read(parsed);
                var result = parsed.GetValue(volume) is { } newName
                    ? await CommandShell.AskAsync(parsed, control, json, context => ProgressShell.RunAsync<ArchiveRestoreResult>(
                        context, "archives/restore", new ArchiveRestoreRequest(newName, from, parsed.GetValue(name), parsed.GetValue(salvage), secret?.Kind ?? ArchiveKeyKind.None, secret?.Bytes)), cancellationToken)
                    : await ProgressShell.WatchAsync(json, "restoring", (progress, stop) => ToImage(from, parsed.GetValue(name), FullPath(parsed.GetValue(image)!), secret, parsed.GetValue(salvage), progress, stop), cancellationToken);
                ArchivePrinter.Print(result, json);
                return result.LostBytes == 0 ? ProgramShell.Done : ProgramShell.Failed;
            });
        });
    }

    private static ArchiveRestoreResult ToImage(string from, string? name, string image, ArchiveSecret? secret, bool salvage, Action<long, long> progress, CancellationToken cancellationToken)
    {
        using var set = ArchiveLocator.FindOne(from, name);
        ArchiveRestore.RequireUsable(set);
        using var target = new ImageTarget(set, image, StoreFaults.None);
        return ArchiveRestore.Run(set, secret, target, image, salvage, progress, cancellationToken);
    }

    private static Command NewKey()
    {
        var file = new Argument<string>("FILE") { Description = "Where the key goes; a file that is there is never overwritten." };
        var command = new Command("new-key", "Make a key file for --encrypt-key-file. Without it nobody can read what was written with it: keep copies of it, not beside the archives.") { file };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = FullPath(parsed.GetRequiredValue(file));
            try
            {
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows())
                {
                    options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                }

                await using var stream = new FileStream(path, options);
                await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(ArchiveSeal.KeyBytes)) + "\n"), cancellationToken);
                stream.Flush(flushToDisk: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new DrException($"{path} cannot be made: {exception.Message}", "Choose another file.", exception);
            }

            Console.Out.WriteLine(path);
            return ProgramShell.Done;
        });
        return command;
    }

    private static async Task<int> LongAsync(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled. The same command goes on where this one stopped.");
            return ProgramShell.Failed;
        }
    }

    private static Argument<string> PlaceArgument() => new("DIR|FILE") { Description = "The directory that holds the archive's parts, or the file that holds them all." };

    private static Option<string?> NameOption() => new("--name") { Description = "Which archive, where the directory holds several.", HelpName = "NAME" };

    private static string FullPath(string path) => path.Length > 0 ? Path.GetFullPath(path) : throw new UsageException("A path is empty.", "Name a directory or a file.");
}

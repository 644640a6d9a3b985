using System.CommandLine;

namespace Dr.Edge.Cli;

/// <summary>The commands that take a while: restore, verify, import, export. On a terminal they show a progress bar on standard error.</summary>
internal static class TransferCommands
{
    public static IEnumerable<Command> Create() => [RestoreCommand.Create(), Verify(), Import(), Export()];

    internal static Option<string?> AtOption(bool required) =>
        new("--at") { Description = "A point's id or label, an ISO 8601 time, or how long ago like -30s.", Required = required, HelpName = "POINT|TIME" };

    private static Command Verify()
    {
        var volume = VolumeCommands.VolumeArgument();
        var at = AtOption(required: false);
        return CommandShell.Remote("verify", "Check every checksum of base, layers and map (or of one point); exit status 1 and the bad ranges if any.", [volume, at], async context =>
        {
            var result = await RunAsync<VerifyResult>(context, $"{VolumeCommands.PathOf(context.Get(volume))}/verify", new VerifyRequest(context.Get(at)));
            VolumePrinter.Print(result, context.Json, result.Ok
                ? $"{result.Volume}: {Quantities.FormatSize(result.CheckedBytes)} checked, all as written"
                : string.Join('\n', result.Bad.Select(bad => $"{bad.Where}: byte {bad.Offset}, {bad.Length} bytes: {bad.Problem}")));
            return result.Ok ? ProgramShell.Done : ProgramShell.Failed;
        });
    }

    private static Command Import()
    {
        var file = new Argument<string>("FILE") { Description = "A raw image, or a block device." };
        var volume = VolumeCommands.VolumeArgument();
        return CommandShell.Remote("import", "Make a raw image (a file or a block device) a volume's content; holes stay holes. Repeated after an interruption with the same, unchanged file it goes on where it stopped.", [file, volume], async context =>
        {
            var path = FullPath(context.Get(file));
            return await TransferAsync(context, $"{VolumeCommands.PathOf(context.Get(volume))}/import", new ImportRequest(path), result => $"{result.Volume}: {Quantities.FormatSize(result.DataBytes)} of data from {result.File}");
        });
    }

    private static Command Export()
    {
        var source = new Argument<string>("VOLUME[@POINT]") { Description = "A volume or clone, as it is now or as it was at a point or time." };
        var file = new Argument<string>("FILE") { Description = "Where the raw image goes: a file, replaced only when the new one is whole, or a block device that nothing else uses, overwritten at once." };
        return CommandShell.Remote("export", "Write a volume's content as a raw sparse image. Repeated after an interruption with the same position and file it goes on where it stopped (FILE.part).", [source, file], async context =>
        {
            var text = context.Get(source);
            var split = text.IndexOf('@', StringComparison.Ordinal);
            var name = split < 0 ? text : text[..split];
            var request = new ExportRequest(split < 0 ? null : text[(split + 1)..], FullPath(context.Get(file)));
            return await TransferAsync(context, $"{VolumeCommands.PathOf(name)}/export", request, result => $"{result.File}: {Quantities.FormatSize(result.DataBytes)} of data, {Quantities.FormatSize(result.SizeBytes)} in all");
        });
    }

    private static async Task<int> TransferAsync(CommandContext context, string path, object request, Func<TransferResult, string> describe)
    {
        try
        {
            var result = await RunAsync<TransferResult>(context, path, request);
            VolumePrinter.Print(result, context.Json, describe(result) + Resumed(result));
            if (result.Warning is { } warning)
            {
                Console.Error.WriteLine($"Warning: {warning}");
            }

            return ProgramShell.Done;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled. The same command goes on where this one stopped (onto or from a block device it begins anew).");
            return ProgramShell.Failed;
        }
    }

    private static string FullPath(string file) => file.Length > 0 ? Path.GetFullPath(file) : throw new UsageException("FILE is empty.", "Name a file or a block device.");

    private static string Resumed(TransferResult result) => result.ResumedAtBytes == 0 ? "" : $" (went on at {Quantities.FormatSize(result.ResumedAtBytes)})";

    internal static Task<T> RunAsync<T>(CommandContext context, string path, object request) => ProgressShell.RunAsync<T>(context, path, request);
}

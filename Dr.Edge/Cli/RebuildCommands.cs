using System.CommandLine;
using Dr.Edge.Volumes;

namespace Dr.Edge.Cli;

/// <summary><c>volume rebuild</c>: for a volume whose superblock or manifest is damaged.</summary>
internal static class RebuildCommands
{
    public static Command Create()
    {
        var volume = new Argument<string>("DIRECTORY|NAME") { Description = "A volume that 'volume list' shows as damaged; or its directory (with a slash), while no dr-edge runs on it." };
        var name = new Option<string?>("--name") { Description = "Name for the rebuilt volume (default: its own, when that can still be read).", HelpName = "NAME" };
        var notAClone = new Option<bool>("--not-a-clone") { Description = "It was no clone; asked for only when nothing on the disk says so." };
        var apply = new Option<bool>("--apply") { Description = "Do it. Without this, only what would be done is shown." };
        return CommandShell.Remote(
            "rebuild",
            "Make superblock and manifest of a damaged volume again from what is left. What was there is kept aside; the volume comes back demoted.",
            [volume, name, notAClone, apply],
            async context =>
            {
                var target = context.Get(volume);
                var request = new RebuildRequest(context.Get(name), context.Get(notAClone), context.Get(apply));
                var result = target.Contains('/', StringComparison.Ordinal)
                    ? VolumeSet.RebuildOffline(target, request.Name, request.NotAClone, request.Apply, TimeProvider.System, (_, _) => { }, context.CancellationToken)
                    : await TransferCommands.RunAsync<RebuildResult>(context, $"{VolumeCommands.PathOf(target)}/rebuild", request);
                VolumePrinter.Print(result, context.Json, Describe(result, request.Apply));
                return result.Bad.Count == 0 ? ProgramShell.Done : ProgramShell.Failed;
            });
    }

    private static string Describe(RebuildResult result, bool applied) => string.Join('\n', (IEnumerable<string>)
    [
        $"{result.Directory}:",
        .. result.Findings.Select(finding => $"  {finding}"),
        "not known:",
        .. result.Unknown.Select(unknown => $"  {unknown}"),
        .. result.Unused.Select(unused => $"  left out: {unused}"),
        .. result.Bad.Select(bad => $"  bad: {bad.Where}: byte {bad.Offset}, {bad.Length} bytes: {bad.Problem}"),
        applied
            ? $"{result.Name} is rebuilt: {Quantities.FormatSize(result.SizeBytes)}, {result.PointCount} points, demoted. What was there before is in {result.KeptAside}. 'dr-edge promote {result.Name} --epoch N' makes it writable."
            : $"{result.Name} would be rebuilt: {Quantities.FormatSize(result.SizeBytes)}, {result.PointCount} points, demoted. Nothing was changed; --apply does it.",
    ]);
}

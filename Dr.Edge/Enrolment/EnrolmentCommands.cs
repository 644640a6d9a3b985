using System.CommandLine;
using System.Text.Json;
using Dr.Contracts.Enrolment;
using Dr.Edge.Cli;

namespace Dr.Edge.Enrolment;

/// <summary><c>enroll</c>, <c>renew</c>, <c>identity</c>.</summary>
internal static class EnrolmentCommands
{
    public static IEnumerable<Command> Create() => [Enrol(), Renew(), Show()];

    private static Option<string> Data() => new("--data") { Description = "Data directory of dr-edge.", HelpName = "DIR", Required = true };

    private static Option<bool> Plain() => new("--insecure-http") { Description = "Take plain HTTP across the network: whoever is on the way can take the token." };

    private static Command Enrol()
    {
        var token = new Option<string?>("--token") { Description = "One-time token that dr-silo ca token printed.", HelpName = "TOKEN" };
        var tokenFile = new Option<string?>("--token-file") { Description = "File with the token ('-': standard input), so that no list of processes shows it.", HelpName = "FILE" };
        var silo = new Option<string[]>("--silo") { Description = "Control plane; several in the order to try.", HelpName = "URL", Required = true };
        var authority = new Option<string?>("--ca") { Description = "PEM file of the authority of the control plane's HTTPS certificate (default: the CA of the token, or the system's).", HelpName = "FILE" };
        var (data, plain) = (Data(), Plain());
        return CommandShell.Local(
            "enroll", "Enrol this device: make a key here and get its certificate for a one-time token. Run it as the user of the service.", [token, tokenFile, silo, data, authority, plain],
            async (parsed, json, cancellationToken) =>
            {
                var text = (parsed.GetValue(token), parsed.GetValue(tokenFile)) switch
                {
                    ({ } given, null) => given,
                    (null, { } file) => await ReadTokenAsync(file, cancellationToken),
                    _ => throw new UsageException("Give either --token TOKEN or --token-file FILE.", "dr-silo ca token NAME --role ROLE makes one."),
                };
                if (!EnrolmentToken.TryParse(text.Trim(), out var parts))
                {
                    throw new UsageException("This is no enrolment token.", "It is the text that dr-silo ca token printed, whole.");
                }

                var files = new IdentityFiles(parsed.GetRequiredValue(data));
                var identity = await new Enroller(files, TimeProvider.System).EnrolAsync(parts, parsed.GetRequiredValue(silo), parsed.GetValue(authority), parsed.GetValue(plain), cancellationToken);
                Print(identity, json, $"This device is the {identity.Role} {identity.Device}; its certificate is in {files.Folder}. dr-edge run uses it from its next start.");
                return ProgramShell.Done;
            });
    }

    private static Command Renew()
    {
        var (data, plain) = (Data(), Plain());
        return CommandShell.Local("renew", "Get the next certificate now; a running dr-edge does it by itself after two thirds of the present one's life.", [data, plain], async (parsed, json, cancellationToken) =>
        {
            var files = new IdentityFiles(parsed.GetRequiredValue(data));
            var identity = files.Read() ?? throw NotEnrolled(files);
            var next = await new Enroller(files, TimeProvider.System).RenewAsync(identity, parsed.GetValue(plain), cancellationToken);
            Print(next, json, $"Good until {next.NotAfter:u}.");
            return ProgramShell.Done;
        });
    }

    private static Command Show()
    {
        var data = Data();
        return CommandShell.Local("identity", "Show who this device is, and until when.", [data], (parsed, json, _) =>
        {
            var files = new IdentityFiles(parsed.GetRequiredValue(data));
            var identity = files.Read() ?? throw NotEnrolled(files);
            Print(identity, json, $"{identity.Role} {identity.Device}{(identity.Site is { } site ? $" at {site}" : "")}, good until {identity.NotAfter:u}, renewed from {identity.RenewAfter:u} on by {string.Join(", ", identity.Silos)}.");
            return Task.FromResult(ProgramShell.Done);
        });
    }

    private static DrException NotEnrolled(IdentityFiles files) => new($"This device has not enrolled: there is nothing in {files.Folder}.", "dr-edge enroll --token TOKEN --silo URL --data DIR.");

    private static void Print(DeviceIdentity identity, bool json, string text) =>
        Console.Out.WriteLine(json ? JsonSerializer.Serialize(identity, IdentityJson.Default.DeviceIdentity) : text);

    private static async Task<string> ReadTokenAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            using var reader = file == "-" ? Console.In : new StreamReader(file);
            return await reader.ReadLineAsync(cancellationToken) ?? "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--token-file: {exception.Message}", "Name a file that you can read.");
        }
    }
}

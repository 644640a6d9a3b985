using System.Net;
using System.Net.Sockets;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Network;

/// <summary>
/// A name at a name server that takes dynamic updates (RFC 2136), signed with a TSIG key (RFC 8945). Beside the name lies the epoch of whoever changed it last (<c>_dr-epoch.NAME</c>, a TXT record): each update is made under
/// the condition that this is still what was read (RFC 2136, section 2.4), so the server itself lets only one of two sites through, and a lower epoch never overwrites a higher one. Asked and updated is the server itself and no cache;
/// what caches hold is old for as long as the record's time to live, at most.
/// </summary>
internal sealed class DnsAction(NetworkActionOptions options) : INetworkAction
{
    private const int Attempts = 3;
    private readonly string _name = options.Name!.TrimEnd('.');
    private readonly string _address = options.Address!;
    private readonly HostPort _server = HostPort.TryParse(options.Server, out var given) ? given : new HostPort(options.Server!, 53);

    public string Name => $"name {_name} to {_address} at {options.Server}";

    private string Type => TypeOf(_address);

    private string EpochName => $"_dr-epoch.{_name}";

    public async Task<bool> ReadAsync(CancellationToken cancellationToken) => (await AskAsync(_name, Type, cancellationToken)) is [var only] && IsSame(only, _address);

    public Task RefuseAsync(Epoch epoch, CancellationToken cancellationToken) => SeeAsync(epoch, cancellationToken);

    public Task ApplyAsync(Epoch epoch, CancellationToken cancellationToken) => UpdateAsync(epoch, _address, [], cancellationToken);

    /// <summary>Takes the name away from here, and leaves it alone where it leads elsewhere already.</summary>
    public async Task RemoveAsync(Epoch epoch, CancellationToken cancellationToken)
    {
        if (await ReadAsync(cancellationToken))
        {
            await UpdateAsync(epoch, options.Away, [$"prereq yxrrset {_name}. {Type} {_address}"], cancellationToken);
        }
    }

    /// <summary>The statements of one update. Pure.</summary>
    /// <param name="seen">The epoch that was read; null = there was none.</param>
    /// <param name="address">What the name leads to afterwards; null = nothing.</param>
    internal static string Script(HostPort server, string? zone, string name, TimeSpan timeToLive, Epoch? seen, Epoch epoch, string? address, IReadOnlyList<string> conditions)
    {
        var seconds = Math.Max(0, (long)timeToLive.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var marker = $"_dr-epoch.{name}.";
        return string.Join('\n', (IEnumerable<string>)[
            $"server {server.Host} {server.Port.ToString(CultureInfo.InvariantCulture)}",
            .. zone is null ? (string[])[] : [$"zone {zone}"],
            seen is { } known ? $"prereq yxrrset {marker} TXT \"{known}\"" : $"prereq nxrrset {marker} TXT",
            .. conditions,
            $"update delete {name}. A",
            $"update delete {name}. AAAA",
            .. address is null ? (string[])[] : [$"update add {name}. {seconds} {TypeOf(address)} {address}"],
            $"update delete {marker} TXT",
            $"update add {marker} {seconds} TXT \"{epoch}\"",
            "send",
            "",
        ]);
    }

    private async Task UpdateAsync(Epoch epoch, string? address, IReadOnlyList<string> conditions, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var seen = await SeeAsync(epoch, cancellationToken); // What was judged is what the update is conditional on.
            var script = Script(_server, options.Zone, _name, options.TimeToLive, seen, epoch, address, conditions);
            var result = await ProgramRunner.ShellAsync($"nsupdate -v -t {Seconds()}{(options.Key is { } key ? $" -k '{key}'" : "")} <<'END'\n{script}END", OsUser.Root, options.Timeout, cancellationToken);
            if (result.Succeeded)
            {
                return;
            }

            // Somebody was faster. What they wrote decides whether there is anything left to do.
            if (attempt == Attempts || !result.Errors.Contains("RRSET", StringComparison.Ordinal))
            {
                throw new DrException($"{Name} could not be updated: {result.LastWords}.", "Does the zone allow updates with this key ('update-policy' or 'allow-update'), and do the clocks agree?", isTransient: true);
            }
        }
    }

    private async Task<Epoch?> SeeAsync(Epoch epoch, CancellationToken cancellationToken)
    {
        var seen = await EpochAsync(cancellationToken);
        return seen > epoch
            ? throw new FencedException($"{Name}: ordered at epoch {epoch}, but epoch {seen} has changed the name since.", "A newer owner has been decided on. Look at the system's ownership first.")
            : seen;
    }

    private async Task<Epoch?> EpochAsync(CancellationToken cancellationToken) => await AskAsync(EpochName, "TXT", cancellationToken) switch
    {
        [] => null,
        [var text] when long.TryParse(text.Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => new Epoch(number),
        var other => throw new DrException($"{EpochName} at {options.Server} is not an epoch: {string.Join(' ', other)}.", "It is written by dr-edge alone. Delete the record by hand when you know which site serves."),
    };

    private async Task<IReadOnlyList<string>> AskAsync(string name, string type, CancellationToken cancellationToken)
    {
        var asked = await ProgramRunner.RunAsync(
            "dig",
            [$"@{_server.Host}", "-p", _server.Port.ToString(CultureInfo.InvariantCulture), "+tcp", "+norecurse", "+noall", "+answer", "+comments", $"+time={Seconds()}", "+tries=1", $"{name}.", type], options.Timeout, cancellationToken);
        asked.Require($"Asking {options.Server} for {name}", "Is the name server there, and does it answer over TCP?");
        return Answers(asked.Output, type)
            ?? throw new DrException($"{options.Server} does not answer for {name}: {asked.Output.Split('\n').FirstOrDefault(l => l.Contains("status:", StringComparison.Ordinal))?.Trim() ?? asked.LastWords}", "Is it the authoritative server of the zone?");
    }

    /// <summary>The data of the records of a type in what dig wrote; null when the server gave no answer that counts. Pure.</summary>
    internal static IReadOnlyList<string>? Answers(string output, string type)
    {
        var isAnswer = output.Contains("status: NOERROR", StringComparison.Ordinal) || output.Contains("status: NXDOMAIN", StringComparison.Ordinal);
        return !isAnswer ? null : [.. output.Split('\n')
            .Where(l => l.Length > 0 && !l.StartsWith(';'))
            .Select(l => l.Split((char[]?)null, 5, StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f.Length == 5 && f[3] == type)
            .Select(f => f[4].Trim())];
    }

    private string Seconds() => Math.Max(1, (int)options.Timeout.TotalSeconds / Attempts).ToString(CultureInfo.InvariantCulture);

    private static string TypeOf(string address) => IPAddress.Parse(address).AddressFamily == AddressFamily.InterNetworkV6 ? "AAAA" : "A";

    private static bool IsSame(string text, string address) => IPAddress.TryParse(text, out var parsed) && parsed.Equals(IPAddress.Parse(address));
}

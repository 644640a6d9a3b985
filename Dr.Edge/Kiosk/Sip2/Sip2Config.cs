using System.Net;
using Dr.Edge.Host.Config;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>Section <c>kiosk: sip2:</c>.</summary>
internal sealed class Sip2Config
{
    /// <summary>Loopback address that the kiosk's software connects to, <c>127.0.0.1:PORT</c>.</summary>
    public string Listen { get; set; } = "";

    /// <summary>SIP2 servers of the library system that belong to no site, <c>host:port</c>, in the order to try: an address that moves, or, without <see cref="Sites"/>, all there are; the first that says that it is on line is taken.</summary>
    public List<string> Servers { get; set; } = [];

    /// <summary>Servers by site: while the control plane is heard, only those of the site that <see cref="System"/> is at are asked (<see cref="Sip2Route"/>).</summary>
    public Dictionary<string, List<string>> Sites { get; set; } = [];

    /// <summary>The business system that the servers are of, as the control plane names it; this device has to follow it there (<c>follows</c>).</summary>
    public string? System { get; set; }

    /// <summary>How long an answer may take before the kiosk works off line.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>After no server answered, the next attempt is this much later; meanwhile the kiosk works off line at once.</summary>
    public TimeSpan Retry { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Institution id (<c>AO</c>) of answers given off line.</summary>
    public string Institution { get; set; } = "";

    /// <summary>Due date of a loan that is given off line.</summary>
    public TimeSpan Loan { get; set; } = TimeSpan.FromDays(28);

    /// <summary>What the delivery of off-line transactions signs in with; null = it does not.</summary>
    public string? User { get; set; }

    public string? Password { get; set; }

    /// <summary>Field that carries a transaction's id, so that the library system can tell a repetition; SIP2 has servers pass over fields that they do not know. Empty: none is sent.</summary>
    public string IdField { get; set; } = "XI";

    /// <exception cref="DrException">It cannot be followed.</exception>
    public IPEndPoint Check()
    {
        if (!IPEndPoint.TryParse(Listen, out var endPoint) || !IPAddress.IsLoopback(endPoint.Address))
        {
            throw new DrException($"'{Listen}' is not a loopback address for kiosk.sip2.listen.", "Write it as 127.0.0.1:PORT: SIP2 has no encryption of its own.");
        }

        var servers = Servers.Concat(Sites.Values.SelectMany(s => s)).ToList();
        if (servers.Count == 0 || servers.Find(s => !HostPort.TryParse(s, out _)) is not null)
        {
            throw new DrException("kiosk.sip2: servers and sites name no server, or one that is not host:port.", "Write for example servers: [dilas.library.example:6001], or sites: {production: [10.1.0.5:6001], backup: [10.2.0.5:6001]}.");
        }

        if (Sites.Count > 0 != System is not null || (System is { } system && !Names.IsValid(system)))
        {
            throw new DrException("kiosk.sip2: sites and system go together: servers by site, and the business system that decides between them.", "Write system: dilas, as the control plane names it.");
        }

        if (IdField.Length is not (0 or 2) || Timeout <= TimeSpan.Zero || Retry <= TimeSpan.Zero || Loan <= TimeSpan.Zero)
        {
            throw new DrException("kiosk.sip2: idField has two letters, timeout, retry and loan are positive.", "Leave them out for XI, 5s, 2s and 28d.");
        }

        return endPoint;
    }
}

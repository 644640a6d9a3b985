using System.CommandLine;
using Dr.Silo.Access;
using Dr.Silo.Alerts;
using Dr.Silo.Hosting;

namespace Dr.Silo.Cli;

/// <summary>Options of <c>dr-silo run</c> about who may call and who is told: TLS, sign-in, outside issuers, alerts.</summary>
internal sealed class WebOptions
{
    private readonly Option<string?> _tlsCertificate = new("--tls-certificate") { Description = "PEM certificate with its chain: HTTPS for the admin API and the console.", HelpName = "FILE" };
    private readonly Option<string?> _tlsKey = new("--tls-key") { Description = "PEM key of the certificate.", HelpName = "FILE" };
    private readonly Option<bool> _insecure = new("--insecure-http") { Description = "Allow plain HTTP on an address that others reach: passwords and tokens can be read on the way." };
    private readonly Option<bool> _signIn = new("--require-sign-in") { Description = "Let nobody in unsigned, not even on this machine before the first user exists." };
    private readonly Option<string?> _firstAdmin = new("--first-admin-file") { Description = "Where the first administrator's one-time token goes (default: DIR/first-admin.token; with --postgres standard error).", HelpName = "FILE" };
    private readonly Option<string?> _jwtAuthority = new("--jwt-authority") { Description = "OpenID Connect issuer whose access tokens are taken, too.", HelpName = "URL" };
    private readonly Option<string?> _jwtAudience = new("--jwt-audience") { Description = "Audience that the issuer's tokens must have.", HelpName = "TEXT" };
    private readonly Option<string> _jwtRole = new("--jwt-role-claim") { Description = "Claim with viewer, operator, commander or admin.", HelpName = "CLAIM", DefaultValueFactory = _ => "dr_role" };

    private readonly Option<string[]> _webhooks = new("--alert-webhook") { Description = "Tell alerts to this address: POST with JSON; may be given several times.", HelpName = "URL" };
    private readonly Option<string[]> _commands = new("--alert-command") { Description = "Tell alerts to this program: JSON on standard input; may be given several times.", HelpName = "PATH" };

    public WebOptions(Command command)
    {
        foreach (var option in new Option[] { _tlsCertificate, _tlsKey, _insecure, _signIn, _firstAdmin, _jwtAuthority, _jwtAudience, _jwtRole, _webhooks, _commands })
        {
            command.Options.Add(option);
        }
    }

    public SiloOptions Read(ParseResult parsed) => new()
    {
        TlsCertificate = parsed.GetValue(_tlsCertificate),
        TlsKey = parsed.GetValue(_tlsKey),
        InsecureHttp = parsed.GetValue(_insecure),
        Access = new AccessOptions
        {
            RequireSignIn = parsed.GetValue(_signIn),
            FirstAdminFile = parsed.GetValue(_firstAdmin),
            JwtAuthority = parsed.GetValue(_jwtAuthority),
            JwtAudience = parsed.GetValue(_jwtAudience),
            JwtRoleClaim = parsed.GetValue(_jwtRole)!,
        },
        Alerts = new AlertOptions { Webhooks = parsed.GetValue(_webhooks) ?? [], Commands = parsed.GetValue(_commands) ?? [] },
    };
}

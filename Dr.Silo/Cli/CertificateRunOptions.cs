using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Silo.Certificates;

namespace Dr.Silo.Cli;

/// <summary>Options of <c>dr-silo run</c> about the certificate authority.</summary>
internal sealed class CertificateRunOptions
{
    private readonly Option<string?> _folder = new("--ca") { Description = "Certificate authority to issue with: a folder that dr-silo ca create made (default: ca in the data directory, if it is there).", HelpName = "DIR" };
    private readonly Option<string?> _passphrase = new("--ca-passphrase-file") { Description = "File whose first line is the passphrase of the CA's key.", HelpName = "FILE" };
    private readonly Option<string?> _life = new("--ca-certificate-life") { Description = "How long a device's certificate lasts (default 90d); devices renew after two thirds of it.", HelpName = "TIME" };
    private readonly Option<string?> _list = new("--crl-file") { Description = "Write the revocation list here whenever it changes, for an outside broker (Mosquitto's crlfile).", HelpName = "FILE" };
    private readonly Option<string?> _command = new("--crl-command") { Description = "Run this by /bin/sh afterwards, for example 'systemctl reload mosquitto'.", HelpName = "COMMAND" };
    private readonly Option<string[]> _brokers = new("--device-broker") { Description = "Broker that enrolled devices are told, in the order to try; may be given several times (default: this silo's own).", HelpName = "HOST:PORT" };

    public CertificateRunOptions(Command command)
    {
        foreach (var option in new Option[] { _folder, _passphrase, _life, _list, _command, _brokers })
        {
            command.Options.Add(option);
        }
    }

    public CertificateOptions Read(ParseResult parsed) => new()
    {
        Folder = parsed.GetValue(_folder),
        PassphraseFile = parsed.GetValue(_passphrase),
        DeviceLife = parsed.GetValue(_life) is { } life ? LifeOf(life) : CertificateLimits.DeviceLife,
        ListFile = parsed.GetValue(_list) is { } file ? Path.GetFullPath(file) : null,
        ListCommand = parsed.GetValue(_command),
        DeviceBrokers = parsed.GetValue(_brokers) ?? [],
    };

    private static TimeSpan LifeOf(string text) => Quantities.ParseDuration(text, "--ca-certificate-life") is var life && life > TimeSpan.Zero && life <= CertificateLimits.AuthorityLife
        ? life
        : throw new UsageException($"--ca-certificate-life: '{text}' is not a time that a certificate can last.", "Write for example 90d.");
}

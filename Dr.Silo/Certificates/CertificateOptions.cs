namespace Dr.Silo.Certificates;

/// <summary>The certificate authority of one <c>dr-silo run</c>.</summary>
public sealed record CertificateOptions
{
    /// <summary>Of a CA in the data directory.</summary>
    public const string FolderName = "ca";

    /// <summary>Folder with <c>ca.pem</c> and <c>ca.key</c>; null: this silo issues nothing, but refuses what was revoked.</summary>
    public string? Folder { get; init; }

    public string? PassphraseFile { get; init; }

    /// <summary>How long a device's certificate lasts.</summary>
    public TimeSpan DeviceLife { get; init; } = CertificateLimits.DeviceLife;

    /// <summary>Where the newest revocation list is written for an outside broker; null = nowhere.</summary>
    public string? ListFile { get; init; }

    /// <summary>Run by <c>/bin/sh</c> after the file was written, for example to make the broker read it.</summary>
    public string? ListCommand { get; init; }

    /// <summary>The brokers that enrolled devices are told, in the order to try; empty = this silo's own.</summary>
    public IReadOnlyList<string> DeviceBrokers { get; init; } = [];
}

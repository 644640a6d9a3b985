namespace Dr.Silo.Certificates;

/// <summary>Every limit of the certificate authority, with its reason.</summary>
internal static class CertificateLimits
{
    /// <summary>Nobody renews it by itself, and every device must have the next one before it ends.</summary>
    public static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);

    /// <summary>Of a device that renews by itself: short enough that a forgotten key is worthless soon, and a third of it outlasts a closed branch.</summary>
    public static readonly TimeSpan DeviceLife = TimeSpan.FromDays(90);

    /// <summary>Of what a person puts in place by hand (<c>dr-silo ca issue</c>).</summary>
    public static readonly TimeSpan ServerLife = TimeSpan.FromDays(398);

    /// <summary>A certificate is good from this long before it was made: devices' clocks are behind.</summary>
    public static readonly TimeSpan Backdating = TimeSpan.FromMinutes(10);

    /// <summary>The part of its life after which a certificate is renewed.</summary>
    public const double RenewAfter = 2.0 / 3;

    public static readonly TimeSpan TokenLife = TimeSpan.FromHours(1);

    public static readonly TimeSpan TokenLifeMax = TimeSpan.FromDays(7);

    /// <summary>Tokens that are open at once; more is a mistake in a script.</summary>
    public const int OpenTokensMax = 10_000;

    /// <summary>Brokers refuse everybody once the list is past its time, so it is far away; a new list is made long before.</summary>
    public static readonly TimeSpan ListLife = TimeSpan.FromDays(30);

    /// <summary>By a list of the future a broker refuses everybody. Lists are a second apart, so thousands of devices that are revoked one by one run ahead of the clock.</summary>
    public static readonly TimeSpan ListBackdating = TimeSpan.FromHours(6);

    public static readonly TimeSpan ListRenewed = TimeSpan.FromDays(1);

    /// <summary>How soon a silo notices what another one revoked.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    /// <summary>What was revoked this long before a silo's start is cut once more: it may have fallen over before it did.</summary>
    public static readonly TimeSpan CutAgain = TimeSpan.FromMinutes(10);

    public const int RequestBytesMax = 16 * 1024;

    public const int HostsMax = 16;

    /// <summary>PBKDF2 iterations of the CA key's passphrase (OWASP's figure for SHA-256).</summary>
    public const int PassphraseIterations = 600_000;

    /// <summary>The command that tells the broker of a new list.</summary>
    public static readonly TimeSpan CommandWithin = TimeSpan.FromSeconds(10);
}

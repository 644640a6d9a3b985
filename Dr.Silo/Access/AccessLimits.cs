namespace Dr.Silo.Access;

/// <summary>Every limit of signing in, with its reason.</summary>
internal static class AccessLimits
{
    /// <summary>Failures of one name within <see cref="FailureWindow"/>, from anywhere: guessing one password gets 2 880 tries a day at most, per silo.</summary>
    public const int FailuresPerName = 10;

    /// <summary>Failures from one address: a few people behind one may mistype, a list of names may not be tried.</summary>
    public const int FailuresPerAddress = 30;

    public static readonly TimeSpan FailureWindow = TimeSpan.FromMinutes(5);

    /// <summary>Names and addresses that are remembered; beyond it the oldest are forgotten.</summary>
    public const int Remembered = 10_000;

    /// <summary>A verification keeps a processor busy for some 0.2 s: no more than this at once.</summary>
    public const int VerificationsAtOnce = 2;

    /// <summary>Requests that wait for one of those; the next is told to come back.</summary>
    public const int VerificationsWaiting = 16;

    /// <summary>A working shift and some.</summary>
    public static readonly TimeSpan SessionLife = TimeSpan.FromHours(12);

    public static readonly TimeSpan TokenLife = TimeSpan.FromDays(90);

    public static readonly TimeSpan TokenLifeMax = TimeSpan.FromDays(366);

    /// <summary>Of <c>dr-silo login</c>.</summary>
    public static readonly TimeSpan LoginLife = TimeSpan.FromHours(12);

    public static readonly TimeSpan SetupLife = TimeSpan.FromDays(7);

    public const int TokensPerUser = 100;

    public const int LabelMax = 100;

    /// <summary>Last use is written at most this often per token.</summary>
    public static readonly TimeSpan UseNoted = TimeSpan.FromMinutes(1);
}

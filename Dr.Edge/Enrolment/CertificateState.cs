namespace Dr.Edge.Enrolment;

/// <summary>How the certificate of this device stands, for whoever looks: the renewal keeps it. Empty on a device that has not enrolled.</summary>
internal sealed class CertificateState(TimeProvider time)
{
    /// <summary>Part of the time for renewing after which a person should look: attempts have failed for days then. The control plane has renewal begin at two thirds of the life, so this is at four fifths, as its alert.</summary>
    private const double LateAfter = 0.4;

    private volatile DeviceIdentity? _identity;

    /// <summary>Attempts to renew that failed since the last that did not.</summary>
    public int Failures { get; private set; }

    /// <summary>Why the last one failed; null when it did not.</summary>
    public string? Trouble { get; private set; }

    public DateTimeOffset? EndsAt => _identity?.NotAfter;

    /// <summary>Until the end, negative after it; null on a device that has not enrolled.</summary>
    public TimeSpan? Left => EndsAt - time.GetUtcNow();

    /// <summary>A sentence when it comes near its end and was not renewed; null while all is well.</summary>
    public string? Problem => _identity is { } identity && IsLate(identity, time.GetUtcNow())
        ? $"the certificate of this device {(identity.NotAfter > time.GetUtcNow() ? "ends" : "ended")} at {identity.NotAfter.UtcDateTime:yyyy-MM-dd HH:mm} UTC and was not renewed{(Trouble is null ? "" : $": {Trouble}")}"
        : null;

    /// <summary>Pure.</summary>
    internal static bool IsLate(DeviceIdentity identity, DateTimeOffset now) => now >= identity.RenewAfter + ((identity.NotAfter - identity.RenewAfter) * LateAfter);

    public void Holds(DeviceIdentity identity) => _identity = identity;

    public void Renewed(DeviceIdentity identity) => (_identity, Failures, Trouble) = (identity, 0, null);

    public void Failed(string reason) => (Failures, Trouble) = (Failures + 1, reason);
}

using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Detection;

/// <summary>Period and deadline of a kind of device, in busy and in idle hours. Defaults with the reason that a stop is noticed first where it hurts most.</summary>
/// <param name="Name">As in the policy.</param>
/// <param name="BusyPeriod">A beat at least this often while the library is open.</param>
/// <param name="IdlePeriod">… while it is closed.</param>
/// <param name="BusyDeadline">Silence after which the device is a suspect.</param>
/// <param name="IdleDeadline">… while it is closed.</param>
public sealed record BeatClass(string Name, TimeSpan BusyPeriod, TimeSpan IdlePeriod, TimeSpan BusyDeadline, TimeSpan IdleDeadline)
{
    public static BeatClass Host { get; } = Of("host", 1, 1, 5, 5);

    public static BeatClass CriticalSystem { get; } = Of("critical-system", 2, 5, 8, 20);

    public static BeatClass Appliance { get; } = Of("appliance", 5, 15, 20, 45);

    public static BeatClass Kiosk24H { get; } = Of("kiosk-24h", 10, 30, 40, 90);

    public static BeatClass IndoorKiosk { get; } = Of("kiosk-indoor", 30, 120, 120, 360);

    public static IReadOnlyList<BeatClass> All { get; } = [Host, CriticalSystem, Appliance, Kiosk24H, IndoorKiosk];

    public static BeatClass? Find(string? name) => All.FirstOrDefault(c => c.Name == name);

    /// <summary>The class that is configured, or the one that the roles ask for: of several the quickest.</summary>
    public static BeatClass Of(string? configured, IReadOnlyList<string> roles)
    {
        ArgumentNullException.ThrowIfNull(roles);
        return Find(configured) ?? (roles.Contains("host", StringComparer.Ordinal) ? Host : roles.Contains("appliance", StringComparer.Ordinal) ? Appliance : Kiosk24H);
    }

    public static BeatClass Of(DeviceSettings device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Of(device.Class, device.Roles);
    }

    public TimeSpan Period(HourClass hours) => hours == HourClass.Busy ? BusyPeriod : IdlePeriod;

    public TimeSpan Deadline(HourClass hours) => hours == HourClass.Busy ? BusyDeadline : IdleDeadline;

    /// <summary>The detector's α: what is allowed on top of the expected arrival.</summary>
    public TimeSpan Alpha(HourClass hours) => Deadline(hours) - Period(hours);

    private static BeatClass Of(string name, int busy, int idle, int busyDeadline, int idleDeadline) =>
        new(name, TimeSpan.FromSeconds(busy), TimeSpan.FromSeconds(idle), TimeSpan.FromSeconds(busyDeadline), TimeSpan.FromSeconds(idleDeadline));
}

namespace Dr.Silo.Api;

/// <summary>One family of <c>/metrics</c>.</summary>
/// <param name="Labels">Comma-separated, in their order; empty = none.</param>
internal sealed record MetricFamily(string Name, string Type, string Labels, string Help);

/// <summary>Every family that this silo serves; <c>metrics.md</c> describes them, and a test holds the two together.</summary>
internal static class MetricFamilies
{
    public static readonly MetricFamily SystemEpoch = new("dr_system_epoch", "gauge", "system", "Ownership epoch of the business system.");
    public static readonly MetricFamily SystemDataAge = new("dr_system_data_age_seconds", "gauge", "system", "How far the copy at the other site is behind.");
    public static readonly MetricFamily SystemLossLimit = new("dr_system_loss_limit_seconds", "gauge", "system", "Most loss that is taken without a person.");
    public static readonly MetricFamily SystemPoints = new("dr_system_points", "gauge", "system", "Points of the system's volume at its owner.");
    public static readonly MetricFamily SystemPhase = new("dr_system_phase", "gauge", "system,phase", "1 for the phase that the system is in.");
    public static readonly MetricFamily SystemCondition = new("dr_system_condition", "gauge", "system,condition", "1 while the condition holds, 0 while it does not; absent while it is not known.");
    public static readonly MetricFamily SystemForecast = new("dr_system_takeover_forecast_seconds", "gauge", "system", "How long a takeover would take, from the last one.");
    public static readonly MetricFamily RunLive = new("dr_run_live", "gauge", "system,kind,state", "1 while a run of the system is live.");
    public static readonly MetricFamily DeviceAlive = new("dr_device_alive", "gauge", "device", "1 while the device keeps its promises.");
    public static readonly MetricFamily DevicePhi = new("dr_device_phi", "gauge", "device", "-log10 of the chance that calling the device dead now is a false alarm.");
    public static readonly MetricFamily DeviceCommands = new("dr_device_open_commands", "gauge", "device", "Commands that the device has not answered for good.");
    public static readonly MetricFamily DetectorFollowed = new("dr_detector_followed_hours", "gauge", "class", "Device hours followed since the silos started.");
    public static readonly MetricFamily DetectorMistakes = new("dr_detector_mistakes", "gauge", "class", "Suspicions of devices that had never stopped.");
    public static readonly MetricFamily DetectorMistakeSeconds = new("dr_detector_mistake_seconds", "gauge", "class", "How long a false suspicion lasts on average (T_M).");
    public static readonly MetricFamily DetectorBetween = new("dr_detector_hours_between_mistakes", "gauge", "class", "Device hours from one false suspicion to the next (T_MR).");
    public static readonly MetricFamily DetectorAccuracy = new("dr_detector_accuracy", "gauge", "class", "Share of the time in which a living device is not suspected (P_A).");
    public static readonly MetricFamily DetectorSeconds = new("dr_detector_detection_seconds", "gauge", "class", "Time from a synthetic kill to the suspicion (T_D), 95th percentile.");
    public static readonly MetricFamily SiteSilent = new("dr_site_silent_devices", "gauge", "site", "Devices of the site whose promise ran out.");
    public static readonly MetricFamily SiteMass = new("dr_site_mass_suspicion", "gauge", "site", "1 while so many are silent that nobody of the site is judged.");
    public static readonly MetricFamily Alert = new("dr_alert", "gauge", "kind,subject,level", "1 for each alert that fires and stands for itself, at the worst level of what it explains.");
    public static readonly MetricFamily NoticesWaiting = new("dr_alert_notices_waiting", "gauge", "", "Notices of alerts that nobody has taken yet.");
    public static readonly MetricFamily NoticesGivenUp = new("dr_alert_notices_given_up", "gauge", "", "Notices of the last 30 days that nobody took within a day.");
    public static readonly MetricFamily Healthy = new("dr_silo_healthy", "gauge", "", "1 while /healthz has no reason against this silo.");
    public static readonly MetricFamily ProcessorSeconds = new("dr_silo_processor_seconds_total", "counter", "", "Processor time of this silo's process.");
    public static readonly MetricFamily WorkingSet = new("dr_silo_working_set_bytes", "gauge", "", "Memory of this silo's process.");

    public static IReadOnlyList<MetricFamily> All { get; } =
    [
        SystemEpoch, SystemDataAge, SystemLossLimit, SystemPoints, SystemPhase, SystemCondition, SystemForecast, RunLive, DeviceAlive, DevicePhi, DeviceCommands, DetectorFollowed, DetectorMistakes, DetectorMistakeSeconds, DetectorBetween, DetectorAccuracy, DetectorSeconds, SiteSilent, SiteMass,
        Alert, NoticesWaiting, NoticesGivenUp, Healthy, ProcessorSeconds, WorkingSet,
    ];
}

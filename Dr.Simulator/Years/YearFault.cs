namespace Dr.Simulator.Years;

/// <summary>What can strike in a random year: what the log knows, and what it never saw.</summary>
internal enum YearFaultKind
{
    // As in the log.
    ProcessCrash,
    ProcessHang,
    DataDamage,
    StoragePath,
    HostDown,
    AccessCut,

    // Never in the log.
    SiteLost,
    BothLinesCut,
    CopyLineCut,
    ControlLineCut,
    ApplianceDown,
    ApplianceFrozen,
    HostFrozen,
    DiskFull,
    ClockWrong,
    CopyDamaged,
    SiloLost,
    SiloInMidRun,
    BrokerAway,
    LedgerAway,
    KiosksLie,
    KiosksCut,
    BadMessages,
    OldMessages,

    // What people do.
    Move,
    Failover,
    Drill,
    Hold,
    RollBack,
}

/// <summary>One thing that strikes, and for how long.</summary>
/// <param name="Number">Its place in the year of its seed; names it when it is played again.</param>
/// <param name="At">From the start of the year.</param>
/// <param name="System">Which business system, from 0; what has no system of its own uses it as a further draw.</param>
/// <param name="Site">0 = the site where the systems are at home, 1 = the other.</param>
internal sealed record YearFault(int Number, TimeSpan At, YearFaultKind Kind, int System, int Site, TimeSpan Lasts)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{Number} day {At.Days} {At:hh\\:mm\\:ss}  {Words()} for {Duration(Lasts)}");

    public static string Duration(TimeSpan time) => time.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.#} h")
        : time.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} min") : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.##} s");

    private string Words()
    {
        var (system, site) = (YearSystems.All[System].Name, Site == 0 ? "production" : "backup");
        return Kind switch
        {
            YearFaultKind.ProcessCrash => $"{system}: its process ends",
            YearFaultKind.ProcessHang => $"{system}: its process hangs",
            YearFaultKind.DataDamage => $"{system}: its data is damaged on both sides",
            YearFaultKind.StoragePath => $"{system}: the way to its disks is broken",
            YearFaultKind.HostDown => $"{system}: its host at {site} is down",
            YearFaultKind.HostFrozen => $"{system}: its host at {site} stands still",
            YearFaultKind.AccessCut => $"users outside cannot get in at {site}",
            YearFaultKind.SiteLost => $"the site {site} is lost",
            YearFaultKind.BothLinesCut => $"both lines of {site} are cut",
            YearFaultKind.CopyLineCut => "the line between the appliances is cut",
            YearFaultKind.ControlLineCut => $"the control plane does not reach {site}",
            YearFaultKind.ApplianceDown => $"the appliance at {site} is down",
            YearFaultKind.ApplianceFrozen => $"the appliance at {site} stands still",
            YearFaultKind.DiskFull => $"the disk of the appliance at {site} is full",
            YearFaultKind.ClockWrong => $"the clocks at {site} are wrong",
            YearFaultKind.CopyDamaged => $"{system}: the next final point differs at the other site",
            YearFaultKind.SiloLost => "the control plane is killed",
            YearFaultKind.SiloInMidRun => $"{system}: the control plane is killed between deciding and acting",
            YearFaultKind.BrokerAway => "the control plane hears nobody",
            YearFaultKind.LedgerAway => "the control plane's database is away",
            YearFaultKind.KiosksLie => "two kiosks lie",
            YearFaultKind.KiosksCut => "most kiosks are cut off",
            YearFaultKind.BadMessages => "messages are lost, late and doubled",
            YearFaultKind.OldMessages => $"the clocks at {site} stand days ago, and what the broker kept for it is handed over",
            YearFaultKind.Move => $"{system}: a person moves it",
            YearFaultKind.Failover => $"{system}: a person orders a failover",
            YearFaultKind.Drill => $"{system}: a drill",
            YearFaultKind.Hold => $"{system}: automation is held",
            YearFaultKind.RollBack => $"{system}: the next takeover is rolled back by a person",
            _ => Kind.ToString(),
        };
    }
}

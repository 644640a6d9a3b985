using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>From the words of table 1 to what breaks. Where the table names several types, the seed picks one.</summary>
internal static class FaultCatalog
{
    public static Breakage Of(FaultEntry fault, Chance chance)
    {
        if (fault.Kind == SystemKind.Equipment)
        {
            return Equipment(fault);
        }

        var type = fault.FaultTypes[chance.Below(fault.FaultTypes.Count)];
        bool Says(string words) => fault.Symptom.Contains(words, StringComparison.OrdinalIgnoreCase);
        return type switch
        {
            "network" when Says("kiosk") => new Breakage(BreakageKind.NetworkPart, Places.MplsAccess),
            "network" => new Breakage(BreakageKind.NetworkPart, Places.Port(fault.System)),
            "hardware" when Says("wireless") => new Breakage(BreakageKind.NetworkPart, Places.Wifi),
            "hardware" => new Breakage(BreakageKind.HostDown),
            _ when Says("endless loop") => new Breakage(BreakageKind.ProcessHang),
            _ when Says("process") => new Breakage(BreakageKind.ProcessCrash),
            _ when Says("server down") || Says("all services") => new Breakage(BreakageKind.HostDown),
            "server" when Says("data cannot be fetched") => new Breakage(BreakageKind.StoragePath),
            "server" when Says("errors") || Says("log in") => new Breakage(BreakageKind.ProcessHang),
            "server" => new Breakage(BreakageKind.HostDown),
            "database" when Says("database") || chance.Hits(0.5) => new Breakage(BreakageKind.DataDamage),
            "os" => new Breakage(BreakageKind.ProcessCrash),
            _ => new Breakage(BreakageKind.ProcessHang),
        };
    }

    private static Breakage Equipment(FaultEntry fault) => fault switch
    {
        _ when Named(fault, "optical") => new Breakage(BreakageKind.NetworkPart, Places.Optical),
        _ when Named(fault, "firewall") => new Breakage(BreakageKind.NetworkPart, Places.Firewall),
        _ when Named(fault, "ups") => new Breakage(BreakageKind.NetworkPart, Places.Floor3),

        // "Interrupted for five minutes", says the text; the table counts a day.
        _ when Named(fault, "switch") => new Breakage(BreakageKind.NetworkPart, Places.CheckoutSwitch, TimeSpan.FromMinutes(5)),
        _ when Named(fault, "file-service") => new Breakage(BreakageKind.NetworkPart, Places.Dmz),
        _ => throw new DrException($"Line {fault.Line}: nothing is known about the equipment '{fault.System}'.", "Use an id with optical, firewall, ups, switch or file-service in it."),
    };

    private static bool Named(FaultEntry fault, string word) => fault.System.Value.Contains(word, StringComparison.OrdinalIgnoreCase);
}

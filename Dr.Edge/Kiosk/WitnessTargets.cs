using Dr.Edge.Link;

namespace Dr.Edge.Kiosk;

/// <summary>What there is to reach: the file's targets, and over them those that the control plane sent.</summary>
internal sealed class WitnessTargets(IReadOnlyDictionary<string, string> configured, LinkState state)
{
    public Dictionary<string, string> Current()
    {
        var all = new Dictionary<string, string>(configured, StringComparer.Ordinal);
        foreach (var (name, address) in state.Config.Targets)
        {
            all[name] = address;
        }

        return all;
    }
}

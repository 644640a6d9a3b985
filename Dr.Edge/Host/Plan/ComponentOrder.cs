using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Plan;

/// <summary>Puts components into the order in which they start: each after everything it depends on, otherwise as written. Pure.</summary>
internal static class ComponentOrder
{
    /// <summary>The order, or the names on one cycle when there is none. Names that no component has are ignored here; validation reports them.</summary>
    public static (IReadOnlyList<ComponentOptions> Order, IReadOnlyList<string> Cycle) Of(IReadOnlyList<ComponentOptions> components)
    {
        var order = new List<ComponentOptions>(components.Count);
        var path = new List<string>();
        foreach (var component in components)
        {
            if (!Visit(component, components, order, path))
            {
                return ([], path);
            }
        }

        return (order, []);
    }

    private static bool Visit(ComponentOptions component, IReadOnlyList<ComponentOptions> all, List<ComponentOptions> order, List<string> path)
    {
        if (order.Contains(component))
        {
            return true;
        }

        var seenAt = path.IndexOf(component.Name);
        path.Add(component.Name);
        if (seenAt >= 0)
        {
            path.RemoveRange(0, seenAt);
            return false;
        }

        foreach (var name in component.DependsOn)
        {
            var needed = all.FirstOrDefault(c => c.Name == name);
            if (needed is not null && !Visit(needed, all, order, path))
            {
                return false;
            }
        }

        path.RemoveAt(path.Count - 1);
        order.Add(component);
        return true;
    }
}

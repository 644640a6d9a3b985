using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Components;

/// <summary>Which driver a component gets.</summary>
internal static class ComponentDrivers
{
    public static IComponentDriver Create(ComponentOptions options, HostPaths paths, IComponentMarks marks, TimeProvider time) => options.Kind switch
    {
        ComponentOptions.PostgreSqlKind => new PostgreSqlDriver(options, time),
        ComponentOptions.MariaDbKind => new MariaDbDriver(options, time),
        _ => new CommandDriver(options, paths, marks, time),
    };
}

namespace Dr.Edge.Tests.Host;

/// <summary>One real machine at a time: these tests share the kernel's loop devices and two cores.</summary>
[CollectionDefinition(Name)]
public sealed class HostStandCollection
{
    public const string Name = "host stand";
}

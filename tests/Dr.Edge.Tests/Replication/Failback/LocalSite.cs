using Dr.Crash.Child.Copying;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>An appliance in this process.</summary>
internal sealed class LocalSite : ICopySite
{
    private readonly Node _node;
    private readonly CopyShell _shell;

    private LocalSite(Node node) => (_node, _shell) = (node, new CopyShell(node.Appliance, node.Clock, new FullDisk(), _ => { }));

    public string Name => _node.Name;

    public string Address => _node.Address;

    public string ScratchFile => Path.Combine(_node.Directory, "content");

    public static async Task<LocalSite> StartAsync(string name) => new(await Node.StartAsync(name));

    public Task<string> RunAsync(string order) => _shell.RunAsync(order);

    public ValueTask DisposeAsync() => _node.DisposeAsync();
}

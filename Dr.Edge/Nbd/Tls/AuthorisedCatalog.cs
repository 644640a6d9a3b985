using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd.Tls;

/// <summary>What one client may see of a catalog: some volumes with their points and moments. The others are not there for it, neither in the list nor by name.</summary>
internal sealed class AuthorisedCatalog(IExportCatalog catalog, IReadOnlySet<string> volumes) : IExportCatalog
{
    public const string Everything = "*";

    public IReadOnlyList<ExportInfo> List() => [.. catalog.List().Where(export => IsAllowed(export.Name))];

    public IExportLease? Open(string name)
    {
        if (!IsAllowed(name) || catalog.Open(name) is not { } lease)
        {
            return null;
        }

        // The name that was asked may be an alias: what it stands for must be allowed too.
        if (IsAllowed(lease.Info.Name))
        {
            return lease;
        }

        lease.Dispose();
        return null;
    }

    private bool IsAllowed(string name)
    {
        var at = name.IndexOf('@', StringComparison.Ordinal);
        return volumes.Contains(at < 0 ? name : name[..at]);
    }
}

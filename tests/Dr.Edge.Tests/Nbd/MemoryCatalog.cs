using System.Collections.Concurrent;
using Dr.Contracts.Errors;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

internal sealed class MemoryCatalog : IExportCatalog
{
    private readonly ConcurrentDictionary<string, IBlockDevice> _exports = new(StringComparer.Ordinal);
    private int _openLeases;

    public int OpenLeases => Volatile.Read(ref _openLeases);

    /// <summary>When set, opening anything fails with it.</summary>
    public DrException? Refusal { get; set; }

    /// <summary>Called while an export is being opened.</summary>
    public Action? Opening { get; set; }

    public void Add(string name, IBlockDevice device) => _exports[name] = device;

    public IReadOnlyList<ExportInfo> List() => [.. _exports.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => Info(e.Key, e.Value))];

    public IExportLease? Open(string name)
    {
        Opening?.Invoke();
        if (Refusal is not null)
        {
            throw Refusal;
        }

        if (!_exports.TryGetValue(name, out var device))
        {
            return null;
        }

        Interlocked.Increment(ref _openLeases);
        return new Lease(this, Info(name, device), device);
    }

    private static ExportInfo Info(string name, IBlockDevice device) => new(name, $"{name} in memory", device.SizeBytes, device.IsReadOnly);

    private sealed class Lease(MemoryCatalog catalog, ExportInfo info, IBlockDevice device) : IExportLease
    {
        private int _disposed;

        public ExportInfo Info => info;

        public IBlockDevice Device => device;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref catalog._openLeases);
            }
        }
    }
}

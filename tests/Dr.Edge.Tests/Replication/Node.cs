using System.Diagnostics;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Crash.Child.Copying;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Line;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Replication;

/// <summary>One appliance in this process: a store on a real directory, a listener on loopback, and what it sends.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly ILoggerFactory _logs;
    private Appliance _appliance = null!;
    private bool _isOpen;

    private Node(string name, ILoggerFactory? logs)
    {
        Name = name;
        _logs = logs ?? NullLoggerFactory.Instance;
        Directory = Path.Combine(Path.GetTempPath(), $"dr-repl-{name}-{Guid.NewGuid():N}");
        System.IO.Directory.CreateDirectory(Directory);
    }

    public string Name { get; }

    public string Directory { get; }

    public VolumeSet Set => _appliance.Set;

    /// <summary>What the store takes for now; timers are real.</summary>
    public ShiftedTime Clock { get; } = new();

    public ReplicationTls Tls { get; set; } = ReplicationTls.Off;

    /// <summary>Of the protocol; as old a program as wanted, from the next start on.</summary>
    public int? NewestVersion { get; set; }

    /// <summary>What the disk does wrong, from the next start on.</summary>
    public StoreFaults? Faults { get; set; }

    /// <summary>Between the store and its copies, from the next start on.</summary>
    public TimeSpan Lull { get; set; }

    public IMirrorLedger Ledger { get; set; } = new NoLedger();

    public CopyService Copies => _appliance.Copies;

    public Appliance Appliance => _appliance;

    /// <summary>Kept over restarts, so out of the range of outgoing connections: a peer that tries a closed port of that range may be given the port itself.</summary>
    public string Address { get; private init; } = FreePorts.NextAddress();

    /// <param name="host">Address of this machine to listen on; null = loopback.</param>
    public static async Task<Node> StartAsync(string name, ILoggerFactory? logs = null, string? host = null)
    {
        var node = host is null ? new Node(name, logs) : new Node(name, logs) { Address = $"{host}:{FreePorts.Next()}" };
        await node.OpenAsync();
        return node;
    }

    public async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    public async Task CloseAsync()
    {
        // One that did not open again is closed already: why it did not is what the test has to say.
        if (_isOpen)
        {
            _isOpen = false;
            await _appliance.DisposeAsync();
        }
    }

    public async Task OpenAsync()
    {
        _appliance = await Appliance.OpenAsync(Directory, Name, Address, _logs, Ledger, Clock, Tls, NewestVersion, Faults, Lull);
        _isOpen = true;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>Waits for a condition; says what it waited for when it does not come.</summary>
    public static Task Until(Func<bool> condition, string what, Func<string>? state = null, int seconds = 60) => Eventually.TrueAsync(what, condition, TimeSpan.FromSeconds(seconds), state);
}

/// <summary>Writes and reads of tests: random content from a seed, so that a failure can be run again.</summary>
internal static class VolumeTestExtensions
{
    public static void WriteAt(this Volume volume, long offset, byte[] data) =>
        volume.Write([new WriteExtent(offset, data.Length, ExtentKind.Data, data)], forceUnitAccess: false);

    public static void WriteRandom(this Volume volume, Random random, int writes, int maxBytes = 20_000)
    {
        for (var i = 0; i < writes; i++)
        {
            var data = new byte[random.Next(1, maxBytes)];
            random.NextBytes(data);
            volume.WriteAt(random.NextInt64(volume.SizeBytes - data.Length), data);
            if (random.Next(20) == 0)
            {
                volume.Write([new WriteExtent(random.NextInt64(volume.SizeBytes / 8192) * 4096, 65_536, ExtentKind.Zero, default)], forceUnitAccess: false);
            }
        }
    }

    public static byte[] Content(this IBlockDevice device)
    {
        var content = new byte[device.SizeBytes];
        for (var at = 0; at < content.Length; at += 1 << 20)
        {
            device.Read(at, content.AsSpan(at, Math.Min(1 << 20, content.Length - at)));
        }

        return content;
    }

    public static void ShouldHoldTheSameAs(this IBlockDevice device, IBlockDevice other) => device.ShouldHold(other.Content());

    /// <summary>Says where the first difference is instead of printing megabytes.</summary>
    public static void ShouldHold(this IBlockDevice device, byte[] expected)
    {
        var actual = device.Content();
        actual.Length.ShouldBe(expected.Length);
        var same = actual.AsSpan().CommonPrefixLength(expected);
        (same == actual.Length).ShouldBeTrue($"the content differs from byte {same} (block {same / 4096}) on");
    }

    public static PointInfo Point(this Volume volume, string? label = null) => volume.CreatePoint(label, PointConsistency.Crash, null);
}

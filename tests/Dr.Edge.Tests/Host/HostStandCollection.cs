using Dr.Contracts.Ids;

namespace Dr.Edge.Tests.Host;

/// <summary>One real machine at a time: these tests share the kernel's loop devices and two cores.</summary>
[CollectionDefinition(Name)]
public sealed class HostStandCollection : ICollectionFixture<PreparedDisk>, ICollectionFixture<PreparedMariaDbDisk>
{
    public const string Name = "host stand";
}

/// <summary>The disk of a system that was prepared and stopped, made at first use, so that not every test makes its own database.</summary>
public class PreparedDisk : IAsyncDisposable
{
    private HostStand? _stand;

    internal async Task<string> GetAsync()
    {
        if (_stand is null)
        {
            var stand = await HostStand.CreateAsync(Adapt);
            _stand = await stand.OrNothingAsync(async () =>
            {
                var session = stand.NewSession();
                await session.PrepareAsync(Epoch.First, _ => { }, default);
                await session.StopAsync(Epoch.First, _ => { }, default);
            });
        }

        return _stand.Disk;
    }

    /// <summary>Which system it is.</summary>
    private protected virtual void Adapt(HostStand stand)
    {
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_stand is not null)
        {
            await _stand.DisposeAsync();
        }
    }
}

/// <summary>The same with MariaDB.</summary>
public sealed class PreparedMariaDbDisk : PreparedDisk
{
    private protected override void Adapt(HostStand stand) => stand.UseMariaDb();
}

using Dr.Simulator.Live.Faults;

namespace Dr.Simulator.Live.World;

/// <summary>Makes a fault of the schedule happen and repairs it, as the operator of a real place would: power comes back, the line is mended, room is made. Decides nothing.</summary>
internal sealed class FaultActor(LiveWorld world, Action<string> note)
{
    /// <summary>Of the machines that stand still, so many are suspended as a whole; of the others the programs alone.</summary>
    private const double SuspendedShare = 0.5;

    /// <summary>Strikes, waits, repairs. On return what was broken is mended; what the systems make of it is theirs.</summary>
    /// <returns>What the corruption turned out to be; null for other faults.</returns>
    public async Task<CorruptionFinding?> StrikeAsync(LiveFault fault, CancellationToken cancellationToken)
    {
        var place = fault.Part.Place;
        switch (fault.Kind)
        {
            case LiveFaultKind.Kill:
                await KillAsync(fault, cancellationToken);
                break;
            case LiveFaultKind.Freeze:
                await FreezeAsync(fault, cancellationToken);
                break;
            case LiveFaultKind.Cut when fault.Part.Thing == LiveThing.SiteLine:
                await BetweenAsync(fault, () => world.Network.PartSitesAsync(true), () => world.Network.PartSitesAsync(false), cancellationToken);
                break;
            case LiveFaultKind.Cut:
                await BetweenAsync(fault, () => world.Network.CutAsync(place), () => world.Network.JoinAsync(place), cancellationToken);
                break;
            case LiveFaultKind.Slow when fault.Part.Thing == LiveThing.Machine:
                await CrawlAsync(fault, cancellationToken);
                break;
            case LiveFaultKind.Slow:
                await BetweenAsync(fault, () => world.Network.SlowAsync(place), () => world.Network.QuickenAsync(place), cancellationToken);
                break;
            case LiveFaultKind.Fill:
                await FillAsync(fault, cancellationToken);
                break;
            case LiveFaultKind.Corrupt:
                return await new Corruption(world, note).StrikeAsync(place, fault.Draw, cancellationToken);
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, null);
        }

        return null;
    }

    private async Task KillAsync(LiveFault fault, CancellationToken cancellationToken)
    {
        switch (fault.Part.Thing)
        {
            case LiveThing.Machine:
                await world.PowerOffAsync(fault.Part.Place);
                await Task.Delay(fault.Lasts, cancellationToken);
                await world.Sites[fault.Part.Place].BootAsync(cancellationToken);
                break;
            case LiveThing.Store:
                world.Store.SignalPrograms(Native.SIGKILL);
                break;
            default:
                if (!ProcessOf(fault.Part).SignalProgram(Native.SIGKILL))
                {
                    note($"{fault.Part} did not run at that moment");
                }

                break;
        }
    }

    private async Task FreezeAsync(LiveFault fault, CancellationToken cancellationToken)
    {
        var machine = ProcessOf(fault.Part);
        if (fault.Part.Thing == LiveThing.Machine)
        {
            // Of a suspended machine not even the kernel answers; of one whose programs are stuck it goes on accepting connections. Here the kernel is always there, so the first kind is made with the line.
            var suspended = fault.Draw < SuspendedShare;
            note(suspended ? $"{fault.Part} is suspended" : $"the programs of {fault.Part} stand still, and its kernel goes on");
            await BetweenAsync(
                fault,
                async () =>
                {
                    machine.SignalAll(Native.SIGSTOP);
                    if (suspended)
                    {
                        await world.Network.CutAsync(fault.Part.Place);
                    }
                },
                async () =>
                {
                    if (suspended)
                    {
                        await world.Network.JoinAsync(fault.Part.Place);
                    }

                    machine.SignalAll(Native.SIGCONT);
                },
                cancellationToken);
            return;
        }

        machine.SignalProgram(Native.SIGSTOP);
        try
        {
            await Task.Delay(fault.Lasts, cancellationToken);
        }
        finally
        {
            machine.SignalProgram(Native.SIGCONT);
        }
    }

    private async Task CrawlAsync(LiveFault fault, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(fault.Lasts);
        await world.Sites[fault.Part.Place].CrawlAsync(over.Token);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>What was freed meanwhile is taken as well, so that full stays full.</summary>
    private async Task FillAsync(LiveFault fault, CancellationToken cancellationToken)
    {
        var disk = world.Disks[fault.Part.Place];
        try
        {
            for (var left = fault.Lasts; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(1))
            {
                await disk.FillAsync();
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
        finally
        {
            disk.Empty();
        }
    }

    private static async Task BetweenAsync(LiveFault fault, Func<Task> strike, Func<Task> repair, CancellationToken cancellationToken)
    {
        try
        {
            await strike();
            await Task.Delay(fault.Lasts, cancellationToken);
        }
        finally
        {
            await repair();
        }
    }

    private Machine ProcessOf(LivePart part) => part.Thing switch
    {
        LiveThing.Machine or LiveThing.Edge => world.Sites[part.Place],
        LiveThing.Silo => world.Silos[part.Place],
        LiveThing.Broker => world.Broker,
        LiveThing.Store => world.Store,
        _ => throw new ArgumentOutOfRangeException(nameof(part), part.Thing, null),
    };
}

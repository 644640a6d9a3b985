using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;

namespace Dr.Crash.Child.Copying;

/// <summary>
/// What the tests of failover order an appliance to do with its volume <c>v</c>, a line each: in this process, or over the standard input of one that will be killed. Each order may be given again after a death.
/// </summary>
internal sealed class CopyShell(Appliance appliance, ShiftedTime clock, FullDisk disk, Action<LoadPosition> answered)
{
    private const string Name = "v";
    private volatile bool _isStopping;
    private Task _load = Task.CompletedTask;

    /// <returns>The answer in one line; <c>error …</c> when the product refused.</returns>
    public async Task<string> RunAsync(string order)
    {
        try
        {
            return await DoAsync(order.Split(' '));
        }
        catch (Exception exception) when (exception is DrException or BlockDeviceException or OperationCanceledException)
        {
            return $"error {exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}";
        }
    }

    private async Task<string> DoAsync(string[] words)
    {
        switch (words)
        {
            case ["create"]:
                _ = appliance.Set.Find(Name) ?? appliance.Set.Create(Name, CopyLoad.VolumeBytes);
                return "ok";
            case ["write", var seed, var upTo]:
                Write(Number(seed), Number(upTo));
                return "ok";
            case ["load", var seed]:
                _isStopping = false;
                _load = Task.Run(() => Write(Number(seed), int.MaxValue));
                return "ok";
            case ["stop"]:
                await StopLoadAsync();
                return "ok";
            case ["point", var label]:
                return Volume.Points.FirstOrDefault(p => p.Label == label) is null ? Volume.CreatePoint(label, PointConsistency.Crash, null).Id.Value : "ok";
            case ["add", var peer, var mode]:
                await appliance.Copies.AddAsync(Volume, peer, Enum.Parse<CopyMode>(mode), null, CancellationToken.None);
                return "ok";
            case ["add", var peer, var mode, "budget", var bytes]:
                await appliance.Copies.AddAsync(Volume, peer, s => s with { Mode = Enum.Parse<CopyMode>(mode), HoldBudgetBytes = Number(bytes) }, CancellationToken.None);
                return "ok";
            case ["add", var peer, var mode, "degrade", var seconds]:
                await appliance.Copies.AddAsync(Volume, peer, s => s with { Mode = Enum.Parse<CopyMode>(mode), OnLoss = LossPolicy.Degrade, DegradeAfter = TimeSpan.FromSeconds(Number(seconds)) }, CancellationToken.None);
                return "ok";
            case ["review"]:
                appliance.Copies.Of(Volume).Single().Holds.Review();
                return $"{appliance.Copies.Of(Volume).Single().Holds.Level}";
            case ["age"]:
                return $"{await AgeAsync()} needed: {string.Join(", ", Volume.Holders)}; merging {Volume.State.Merging}, layers {string.Join(", ", Volume.State.Layers)}".ReplaceLineEndings(" ");
            case ["disk", "full"]:
                disk.IsFull = true;
                return "ok";
            case ["disk", "free"]:
                disk.IsFull = false;
                return $"{disk.Refused}";
            case ["compares"]:
                return appliance.Copies.Of(Volume).Single().IsComparing ? "yes" : "no";
            case ["belief"]:
                return MirrorBelief.Of(Volume)?.Describe() ?? "nothing";
            case ["remove", var peer]:
                await appliance.Copies.RemoveAsync(Volume, peer, CancellationToken.None);
                return "ok";
            case ["sync", var seconds]:
                return await SyncAsync(TimeSpan.FromSeconds(Number(seconds)));
            case ["demote", var epoch]:
                return (await appliance.Copies.DemoteAsync(Volume, new Epoch(Number(epoch)), CancellationToken.None)).Point.Id.Value;
            case ["promote", var epoch]:
                Volume.Promote(new Epoch(Number(epoch)));
                return Show();
            case ["show"]:
                return Show();
            case ["stopped"]:
                return appliance.Set.Find(Name)?.Fault ?? "no";
            case ["has", var point]:
                return appliance.Set.Find(Name)?.Points.Any(p => p.Id.Value == point) == true ? "yes" : "no";
            case ["digests"]:
                return string.Join(' ', Volume.Points.Select(p => $"{p.Id}={Convert.ToHexStringLower(Volume.ContentDigest(p.Id))}"));
            case ["content", var name, var file]:
                await File.WriteAllBytesAsync(file, Content(appliance.Set.Get(name)));
                return "ok";
            case ["clones"]:
                return string.Join(' ', appliance.Set.Volumes.Where(v => v.Name != Name).Select(v => v.Name));
            case ["delete", var name]:
                appliance.Set.Delete(name);
                return "ok";
            case ["damaged"]:
                return $"{appliance.Set.Damaged.Count}";
            default:
                return $"error not an order: {string.Join(' ', words)}";
        }
    }

    private Volume Volume => appliance.Set.Get(Name);

    private static int Number(string text) => int.Parse(text, null);

    // Goes on where the content says that it is: what a crash cut short is written again, with the same content.
    private void Write(int seed, int upTo)
    {
        var at = Position();
        for (var number = at.Seed == seed ? at.Number + 1 : 1; number <= upTo && !_isStopping; number++)
        {
            try
            {
                CopyLoad.WriteTo(Volume, seed, number);
            }
            catch (Exception exception) when (upTo == int.MaxValue && exception is BlockDeviceException or DrException or ObjectDisposedException)
            {
                return; // A load ends with its role.
            }

            answered(new LoadPosition(seed, number));
            if (upTo == int.MaxValue && number % 2 == 0)
            {
                Thread.Sleep(1); // A load that never ends leaves the one who checks something to do too.
            }
        }
    }

    // Everything that nothing holds leaves the history. Where that begins now.
    private async Task<long> AgeAsync()
    {
        clock.Offset += TimeSpan.FromDays(400);
        Volume.CreatePoint("much later", PointConsistency.Crash, null);
        foreach (var point in Volume.Points.SkipLast(1).ToArray())
        {
            Volume.DeletePoint(point.Id);
        }

        await appliance.Set.Maintenance.DrainAsync();
        Volume.AdvanceBase();
        return Volume.State.BaseSequence;
    }

    private async Task StopLoadAsync()
    {
        _isStopping = true;
        await _load;
    }

    private async Task<string> SyncAsync(TimeSpan limit)
    {
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await appliance.Copies.SyncAsync(Volume, null, patience.Token);
            return "ok";
        }
        catch (OperationCanceledException)
        {
            return $"error not in sync after {limit.TotalSeconds} s: {States()}";
        }
    }

    private string Show()
    {
        if (appliance.Set.Find(Name) is not { } volume)
        {
            return "none";
        }

        var at = Position();
        return $"{volume.Role} {volume.Epoch} {at.Seed} {at.Number} {volume.Appended} {States()}";
    }

    private string States() => string.Join(',', appliance.Copies.Of(Volume).Select(c => $"{c.Settings.Mode}:{c.Settings.RecordedMirror}:{c.ToStatus().State}:{c.ToStatus().Detail?.Replace(' ', '_')}"));

    private LoadPosition Position()
    {
        var block = new byte[4096];
        Volume.Read(0, block);
        return CopyLoad.PositionOf(block);
    }

    private static byte[] Content(Volume volume)
    {
        using var now = volume.OpenNow();
        var content = new byte[volume.SizeBytes];
        now.Read(0, content);
        return content;
    }
}

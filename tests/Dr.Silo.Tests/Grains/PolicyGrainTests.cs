using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Policy;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Grains;

/// <summary>Policies with the real grains and a real database: what is changed takes effect, is audited, and reaches the appliances.</summary>
public sealed class PolicyGrainTests : ControlPlaneTests
{
    private const string Table =
        "group,system_ids,kind,full_every,incremental_every,differential_every,application_every,network,link_mbps,link_shared,servers,disk_tb,tape_tb,expected_fault_rate_below_percent,keep,fine_window,approval,rpo\n"
        + "1,dilas,realtime,1d,5m,30m,1d,internet,5,no,1 x IBM P750,5,5,2,\"24h:5m,7d:1h\",6h,person,4m\n";

    private IPolicyGrain Policies => Silo.Grains.GetGrain<IPolicyGrain>(IPolicyGrain.Key);

    private async Task<VolumeView> VolumeAsync() => (await Silo.Grains.GetGrain<IVolumeGrain>(ScriptedWorld.Volume).GetAsync())!;

    [Fact]
    public async Task An_imported_table_is_pushed_brings_about_every_backup_and_outlives_a_restart()
    {
        await ProtectAsync();
        var plan = await Policies.ApplyAsync(new PolicyChange { Actor = "mei", Reason = "table 2", Table = Table, TableName = "backup-policies.csv" });
        plan.Reasons.ShouldBeEmpty();
        plan.Version.ShouldBe(1);

        var done = await BackedUpAsync();
        var full = done.Backups.Single(b => b.Kind == BackupKind.Full).Last!;
        (full.Digest, full.Peer).ShouldBe(($"sha-of-{World.Production.Appended}", World.Backup.Replication));
        full.VerifiedAt.ShouldNotBeNull();
        done.Backups.Select(b => b.Kind).ShouldBe([BackupKind.Full, BackupKind.Incremental, BackupKind.Differential, BackupKind.Application]);

        foreach (var device in new[] { World.Production, World.Backup })
        {
            var pushed = device.Executed.OfType<ApplyVolumePolicy>().Last();
            (pushed.PointsEvery, pushed.Retention.FineWindow, pushed.Bandwidth!.Name).ShouldBe((TimeSpan.FromMinutes(5), TimeSpan.FromHours(6), "internet-5"));
            pushed.Retention.Keep!.Count.ShouldBe(2);
            device.Executed.OfType<HoldPoint>().ShouldContain(h => h.Point == full.Point && h.Reason != null, "the proven full is held at both ends");
        }

        World.Production.Executed.OfType<ApplyVolumePolicy>().Last().Peer.ShouldBe(World.Backup.Replication, "the copy keeps to the class");
        await Silo.UntilAsync("the approval to be a person's", v => v.LossLimitSeconds == 240);

        var entry = (await Silo.Services.GetRequiredService<AuditLog>().ReadAsync(0, 100, new AuditFilterBy { Subject = "policies" }, CancellationToken.None)).ShouldHaveSingleItem();
        (entry.Actor, entry.Action).ShouldBe(("mei", "policies.change"));
        entry.Evidence.Values.ShouldContain(v => v.Contains("incremental every 5m", StringComparison.Ordinal));

        await RestartAsync();
        (await Policies.GetBookAsync()).Version.ShouldBe(1);
        var view = await Policies.GetAsync();
        view.Systems.ShouldHaveSingleItem().Policy.ShouldBe("1");
        view.History.ShouldHaveSingleItem().ChangedBy.ShouldBe("mei");
        view.Systems[0].NextSmallDrillAt.ShouldNotBeNull();
        (await VolumeAsync()).Backups.Single(b => b.Kind == BackupKind.Full).Last!.Point.ShouldBe(full.Point);
    }

    [Fact]
    public async Task A_change_takes_effect_without_a_restart_and_an_invalid_one_changes_nothing()
    {
        await ProtectAsync();
        await Policies.ApplyAsync(new PolicyChange { Actor = "mei", Reason = "table 2", Table = Table });
        await BackedUpAsync();
        var book = await Policies.GetBookAsync();
        var bad = await Policies.ApplyAsync(new PolicyChange { Actor = "mei", Reason = "too much", Policies = [book.Policies[0] with { ChangeGigabytesPerDay = 400 }] });
        bad.Reasons.ShouldNotBeEmpty();
        (await Policies.GetBookAsync()).Version.ShouldBe(1);

        await InOrderAsync();
        var pushes = World.Production.Executed.OfType<ApplyVolumePolicy>().Count();
        World.Production.SaysStill = new ScriptedDevice.Report(World.Production.Policy, World.Production.Class);
        await Policies.ApplyAsync(new PolicyChange { Actor = "li", Reason = "a quicker line", Policies = [book.Policies[0] with { Bandwidth = new BandwidthClass("internet", 8, false) }], Seen = 1 });
        await Silo.UntilAsync("the new class to be pushed", _ => World.Production.Executed.OfType<ApplyVolumePolicy>().Skip(pushes).Any(p => p.Bandwidth!.Name == "internet-8"));
        await InOrderAsync();
        World.Production.SaysStill = null;
        (await Silo.Services.GetRequiredService<EventLog>().ReadAsync(0, 500, CancellationToken.None)).ShouldAllBe(e => e.Kind != "volume.policy", "a report of before, heard after the confirmation, is no change by hand");
        (await Silo.Services.GetRequiredService<AuditLog>().ReadAsync(0, 100, new AuditFilterBy { Subject = "policies" }, CancellationToken.None)).Count.ShouldBe(2);
        (await Policies.GetVersionAsync(1))!.Policies[0].Bandwidth.Mbps.ShouldBe(5);
        (await Policies.ApplyAsync(new PolicyChange { Actor = "wu", Reason = "late", Policies = [book.Policies[0]], Seen = 1 })).Reasons.ShouldHaveSingleItem().ShouldContain("version 2");
    }

    [Fact]
    public async Task What_is_changed_by_hand_at_an_appliance_is_noticed_and_put_right()
    {
        await ProtectAsync();
        await Policies.ApplyAsync(new PolicyChange { Actor = "mei", Reason = "table 2", Table = Table });
        await Silo.UntilAsync("the policy to be in force at both ends", _ => World.Production.Class == "internet-5" && World.Backup.Policy is not null);
        var policy = World.Backup.Policy;

        // What was never in order is not news: each change has to be seen as one.
        await ChangedAsync("the retention of the copy", () => World.Backup.Policy = "points every 1h", () => World.Backup.Policy == policy);
        await ChangedAsync("the class of the line", () => World.Production.Class = "fast", () => World.Production.Class == "internet-5");

        var told = await Silo.Services.GetRequiredService<EventLog>().ReadAsync(0, 500, CancellationToken.None);
        told.Where(e => e.Kind == "volume.policy").Select(e => e.Data["appliance"]).ShouldBe([World.Backup.Id.Value, World.Production.Id.Value]);
    }

    private async Task ChangedAsync(string what, Action change, Func<bool> isRight)
    {
        await InOrderAsync();
        change();
        await Silo.UntilAsync($"{what} to be put right", _ => isRight());
    }

    /// <summary>Until the volume's grain has heard both appliances confirm the policy, and looked at what they report after that.</summary>
    private async Task InOrderAsync()
    {
        List<string> open = [];
        await Silo.UntilAsync("the policy to be confirmed", _ => open.Count == 0, look: async () =>
        {
            open = [.. (await VolumeAsync()).PolicyProblems];
            foreach (var device in new[] { World.Production, World.Backup })
            {
                open.AddRange((await Silo.Grains.GetGrain<IDeviceGrain>(device.Id.Value).GetAsync()).OpenCommands.Where(c => c.Kind == nameof(ApplyVolumePolicy)).Select(c => c.Id.Value));
            }
        });

        // A round of the grain shows by the record of the mirror that it stores. The first of three may have begun before, the second has seen what was reported since, and the third comes when that one is over.
        for (var round = 0; round < 3; round++)
        {
            var record = World.Production.Mirror.Record + 1;
            World.Production.Mirror = (record, MirrorState.Whole);
            await Silo.UntilAsync($"record {record} of the mirror to be stored", _ => World.Production.MirrorNoted == record);
        }
    }

    /// <summary>Until every kind that the policy asks for has a good backup, and says how they stand otherwise.</summary>
    private async Task<VolumeView> BackedUpAsync()
    {
        VolumeView view = null!;
        await Silo.UntilAsync(
            "every kind of backup",
            _ => view.Backups.Count == 4 && view.Backups.Where(b => b.Kind is BackupKind.Full or BackupKind.Incremental).All(b => b.Last is not null) && view.PolicyProblems.Count == 0
                && World.Backup.Executed.OfType<HoldPoint>().Any() && World.Production.Executed.OfType<ApplyVolumePolicy>().Any(p => p.Peer is not null),
            60,
            async () => view = await VolumeAsync());
        return view;
    }
}

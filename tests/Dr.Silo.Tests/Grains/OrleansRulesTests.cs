using System.Reflection;
using Dapper;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Grains;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace Dr.Silo.Tests.Grains;

/// <summary>How Orleans is used here and what is not expected of it, rule by rule, on real grains.</summary>
public sealed class OrleansRulesTests : ControlPlaneTests
{
    private static readonly DeviceId Device = new("back-1");

    [Fact]
    public async Task An_activation_that_finds_that_another_has_written_goes_and_the_next_reads_what_is()
    {
        var grain = Silo.Grains.GetGrain<IDeviceGrain>("conflict");
        await grain.OnBirthAsync(Birth(1));
        await WriteBehindAsync("conflict", s => s with { DeviceEpoch = 7 });

        await Should.ThrowAsync<InconsistentStateException>(() => grain.OnBirthAsync(Birth(2)));

        // Not the stale state again: what the other wrote stands, and the old birth is one of before.
        await Silo.UntilAsync("the state to be read anew", _ => true, look: async () => await grain.GetAsync());
        (await grain.GetAsync()).DeviceEpoch.ShouldBe(7);
        await grain.OnBirthAsync(Birth(2));
        (await StoredAsync("conflict")).DeviceEpoch.ShouldBe(7);
    }

    [Fact]
    public async Task A_command_is_stored_before_it_is_sent_and_sent_until_it_is_answered_and_executed_once()
    {
        var refused = 0;
        var storedFirst = true;
        var command = new CheckSystem { Id = new CommandId("test-1"), IssuedAt = TimeProvider.System.GetUtcNow(), Deadline = TimeProvider.System.GetUtcNow().AddMinutes(1), System = ScriptedWorld.System, Epoch = Epoch.First };
        World.Backup.Swallows = sent =>
        {
            if (sent.Id != command.Id)
            {
                return false;
            }

            storedFirst &= StoredAsync(Device.Value).GetAwaiter().GetResult().Outbox.Any(c => c.Command.Id == command.Id);
            return Interlocked.Increment(ref refused) == 1;
        };

        await Silo.Grains.GetGrain<IDeviceGrain>(Device.Value).SendAsync(command);
        await Silo.Grains.GetGrain<IDeviceGrain>(Device.Value).SendAsync(command);
        await Silo.UntilAsync("the second attempt", _ => World.Backup.Executed.Any(c => c.Id == command.Id));
        OutboxCommand? stored = null;
        await Silo.UntilAsync("the result to be stored", _ => stored is { IsOpen: false }, look: async () => stored = (await StoredAsync(Device.Value)).Outbox.Single(c => c.Command.Id == command.Id));

        storedFirst.ShouldBeTrue();
        refused.ShouldBeGreaterThan(1);
        World.Backup.Executed.Count(c => c.Id == command.Id).ShouldBe(1);
    }

    [Fact]
    public async Task An_overdue_deadline_fires_once_after_a_restart()
    {
        static SystemSettings Short(SystemSettings s) => s with { Trial = TimeSpan.FromSeconds(4) };
        await RestartAsync(Short);
        await ProtectAsync();
        World.Production.PowerOff();
        await Silo.PhaseAsync(Phase.OnTrial);

        // Nobody is there when the trial ends.
        await Silo.DisposeAsync();
        await Task.Delay(TimeSpan.FromSeconds(5), CancellationToken.None);
        await RestartAsync(Short);

        await Silo.PhaseAsync(Phase.FailedOver);
        var audit = Silo.Services.GetRequiredService<AuditLog>();
        IReadOnlyList<AuditRecord> ends = [];
        await Silo.UntilAsync("the audit to be written", _ => ends.Count > 0, look: async () =>
            ends = [.. (await audit.ReadAsync(0, 500, null, CancellationToken.None)).Where(e => e.Subject == ScriptedWorld.System.Value && e.Text.Contains("the trial is over", StringComparison.Ordinal))]);
        ends.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Beats_write_nothing()
    {
        var grain = Silo.Grains.GetGrain<IDeviceGrain>("quiet");
        await grain.OnBirthAsync(Birth(1));
        await grain.OnBeatAsync(Beat(1));
        var (states, events) = await VersionsAsync();

        for (var i = 2; i < 500; i++)
        {
            (await grain.OnBeatAsync(Beat(i))).ShouldNotBeNull();
        }

        (await VersionsAsync()).ShouldBe((states, events));

        async Task<(long, long)> VersionsAsync()
        {
            await using var connection = await Silo.Services.GetRequiredService<Database>().OpenAsync(CancellationToken.None);
            return (await connection.ExecuteScalarAsync<long>("select version from orleans_state where id_text = 'quiet'"), await connection.ExecuteScalarAsync<long>("select count(*) from dr_event where subject = 'quiet'"));
        }
    }

    [Fact]
    public async Task Grains_with_open_deadlines_are_woken_without_reminders_in_the_embedded_default()
    {
        Silo.Services.GetService<IReminderTable>().ShouldBeNull();
        Silo.Services.GetRequiredService<ControlPlaneTraits>().Reminders.ShouldBeFalse();

        // A start that configures nothing and calls nobody: only what is known in the store is there to be woken. An activation shows by becoming the granter of leases.
        var ledger = new OwnershipLedger(Silo.Services.GetRequiredService<Database>(), TimeProvider.System);
        var before = (await ledger.ReadAsync(ScriptedWorld.System, CancellationToken.None))!.Granter;
        World.Connect(null);
        await RestartAsync(configure: false);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(TestSilo.Patience));
        while ((await ledger.ReadAsync(ScriptedWorld.System, limit.Token))!.Granter == before)
        {
            await Task.Delay(50, limit.Token);
        }
    }

    [Fact]
    public void Every_call_has_a_deadline()
    {
        var limit = TimeSpan.FromSeconds(10);
        Silo.Services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.ResponseTimeout.ShouldBeLessThanOrEqualTo(limit);
        Silo.Services.GetRequiredService<IOptions<ClientMessagingOptions>>().Value.ResponseTimeout.ShouldBeLessThanOrEqualTo(limit);
    }

    [Fact]
    public void No_grain_is_reentrant_and_no_call_is_one_way_and_what_interleaves_says_why()
    {
        var grains = typeof(DeviceGrain).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Grain))).ToArray();
        var calls = Interfaces().SelectMany(i => i.GetMethods()).ToArray();
        calls.Length.ShouldBeGreaterThan(20);
        grains.Where(g => g.GetCustomAttribute<ReentrantAttribute>() is not null || g.GetCustomAttribute<MayInterleaveAttribute>() is not null).ShouldBeEmpty();
        calls.Where(c => c.GetCustomAttribute<OneWayAttribute>() is not null).ShouldBeEmpty();

        // A reason is a sentence in the contract's summary.
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Dr.slnx")))
        {
            folder = folder.Parent;
        }

        foreach (var file in Directory.GetFiles(Path.Combine(folder.FullName, "Dr.Contracts", "Grains"), "I*Grain.cs").Select(File.ReadAllText).Where(text => text.Contains(", AlwaysInterleave]", StringComparison.Ordinal)))
        {
            file[..file.IndexOf("public interface", StringComparison.Ordinal)].ShouldContain("interleave", customMessage: "a contract has calls that interleave, and its summary does not say why");
        }
    }

    [Fact]
    public void Every_grain_call_and_everything_in_it_has_an_alias()
    {
        var bare = Interfaces().Where(i => !i.GetCustomAttributes<AliasAttribute>(inherit: false).Any()).Select(i => i.Name)
            .Concat(Interfaces().SelectMany(i => i.GetMethods().Where(m => !m.GetCustomAttributes<AliasAttribute>(inherit: false).Any()).Select(m => $"{i.Name}.{m.Name}")))
            .Concat(typeof(DeviceGrain).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Grain)) && t.GetCustomAttribute<GrainTypeAttribute>() is null).Select(t => t.Name))
            .Concat(new[] { typeof(Epoch).Assembly, typeof(DeviceGrain).Assembly }.SelectMany(a => a.GetTypes())
                .Where(t => t.GetCustomAttribute<GenerateSerializerAttribute>() is not null && !t.GetCustomAttributes<AliasAttribute>(inherit: false).Any()).Select(t => t.Name));

        bare.ShouldBeEmpty();
    }

    private static IEnumerable<Type> Interfaces() => new[] { typeof(Epoch).Assembly, typeof(DeviceGrain).Assembly }.SelectMany(a => a.GetTypes()).Where(t => t.IsInterface && typeof(IAddressable).IsAssignableFrom(t));

    private async Task<DeviceRecord> StoredAsync(string device)
    {
        var state = new GrainState<DeviceRecord>(new DeviceRecord());
        await Silo.Services.GetRequiredService<IGrainStorage>().ReadStateAsync("device", GrainId.Create("device", device), state);
        return state.State!;
    }

    private async Task WriteBehindAsync(string device, Func<DeviceRecord, DeviceRecord> change)
    {
        var storage = Silo.Services.GetRequiredService<IGrainStorage>();
        var state = new GrainState<DeviceRecord>(new DeviceRecord());
        await storage.ReadStateAsync("device", GrainId.Create("device", device), state);
        state.State = change(state.State!);
        await storage.WriteStateAsync("device", GrainId.Create("device", device), state);
    }

    private static Birth Birth(long epoch) => new()
    {
        DeviceEpoch = epoch, BootId = "boot", Site = new SiteId("street"), Roles = ["kiosk"], Software = "test", Stream = Guid.Empty, SentAt = TimeProvider.System.GetUtcNow(),
    };

    private static Beat Beat(long sequence) => new()
    {
        Sequence = sequence, BootId = "boot", DeviceEpoch = 1, NextDueMs = 5_000, HourClass = HourClass.Busy, SentAt = TimeProvider.System.GetUtcNow(),
    };
}

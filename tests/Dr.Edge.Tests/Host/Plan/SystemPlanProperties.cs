using CsCheck;
using Dr.Contracts.Ids;
using Dr.Edge.Host;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;

namespace Dr.Edge.Tests.Host.Plan;

public sealed class SystemPlanProperties
{
    private static readonly string[] Letters = ["a", "b", "c", "d", "e"];

    /// <summary>Up to five components, each depending only on ones before it, written in any order.</summary>
    private static readonly Gen<SystemConfig> Systems =
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 1023], Gen.Bool, Gen.Int[0, 119]).Select((count, edges, hasVolume, shuffle) =>
        {
            var components = Enumerable.Range(0, count).Select(i => new ComponentOptions
            {
                Name = Letters[i],
                DependsOn = [.. Enumerable.Range(0, i).Where(j => ((edges >> (((i * (i - 1)) / 2) + j)) & 1) == 1).Select(j => Letters[j])],
            }).OrderBy(c => (c.Name[0] * (shuffle + 7)) % 11).ToList();
            return new SystemConfig { Id = "s", Volume = "v", Mount = hasVolume ? "/srv/s" : null, Components = components };
        });

    private static readonly Gen<LayerState> Layers = Gen.Int[0, 2].Select(i => (LayerState)i);

    private static readonly Gen<(SystemConfig System, SystemObservation Seen)> Cases =
        Gen.Select(Systems, Gen.Select(Layers, Layers, Layers), Gen.Int[0, 242], Gen.Int[0, 3]).Select((system, layers, presences, epoch) =>
        (system, new SystemObservation
        {
            Export = system.Mount is null ? default : layers.Item1,
            Loop = system.Mount is null ? default : layers.Item2,
            Mount = system.Mount is null ? default : layers.Item3,
            Components = system.Components.ToDictionary(c => c.Name, c => (ComponentPresence)((presences / (int)Math.Pow(3, c.Name[0] - 'a')) % 3)),
            StartedAt = new Epoch(epoch),
        }));

    [Fact]
    public void From_whatever_is_found_a_start_ends_with_everything_running_on_a_sound_attachment() => Cases.Sample(
        c =>
        {
            var machine = new MachineModel(c.System, c.Seen);
            machine.Run(SystemPlan.Start(c.System, c.Seen, new Epoch(3)));
            return machine.Running.Count == c.System.Components.Count
                && (machine.Export, machine.Loop, machine.Mount) == (c.System.Mount is null ? default : (LayerState.Present, LayerState.Present, LayerState.Present));
        },
        iter: 10_000);

    [Fact]
    public void From_whatever_is_found_a_stop_leaves_nothing() => Cases.Sample(
        c =>
        {
            var machine = new MachineModel(c.System, c.Seen);
            var plan = SystemPlan.Stop(c.System, c.Seen);
            machine.Run(plan);
            return machine.Observe().IsGone && plan[^1].Kind == HostStepKind.ProveStopped && SystemPlan.Stop(c.System, machine.Observe()).Count == 1;
        },
        iter: 10_000);

    [Fact]
    public void A_repeated_start_only_checks() => Cases.Sample(
        c =>
        {
            var machine = new MachineModel(c.System, c.Seen);
            machine.Run(SystemPlan.Start(c.System, c.Seen, new Epoch(3)));
            return SystemPlan.Start(c.System, machine.Observe() with { StartedAt = new Epoch(3) }, new Epoch(3)).All(s => s.Kind == HostStepKind.CheckComponent);
        },
        iter: 10_000);

    [Fact]
    public void A_start_that_is_cut_off_after_any_step_is_finished_by_the_next() => Gen.Select(Cases, Gen.Int[0, 20]).Sample(
        (c, cut) =>
        {
            var machine = new MachineModel(c.System, c.Seen);
            var first = SystemPlan.Start(c.System, c.Seen, new Epoch(3));
            machine.Run([.. first.Take(cut)]);
            var between = machine.Observe() with { StartedAt = first.Take(cut).Any(s => s.Kind is HostStepKind.ProveStopped or HostStepKind.AttachExport) ? new Epoch(3) : c.Seen.StartedAt };
            machine.Run(SystemPlan.Start(c.System, between, new Epoch(3)));
            return machine.Running.Count == c.System.Components.Count;
        },
        iter: 10_000);

    [Fact]
    public void Nothing_that_was_started_under_an_earlier_ownership_goes_on() => Cases.Sample(
        c =>
        {
            var plan = SystemPlan.Start(c.System, c.Seen, new Epoch(4)); // Every case was started at 3 or less.
            return c.Seen.IsGone || (plan.Any(s => s.Kind == HostStepKind.ProveStopped)
                && plan.TakeWhile(s => s.Kind != HostStepKind.ProveStopped).All(s => s.Kind is not (HostStepKind.StartComponent or HostStepKind.AttachExport)));
        },
        iter: 10_000);

    [Fact]
    public void Force_is_used_only_on_what_has_lost_its_ground() => Cases.Sample(
        c => SystemPlan.Stop(c.System, c.Seen).Where(s => s.Stale).All(s => c.Seen.IsStale || (s.Kind == HostStepKind.KillComponent && c.Seen.Mount == LayerState.Absent)),
        iter: 10_000);
}

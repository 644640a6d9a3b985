using Dr.Edge.Host;
using Dr.Edge.Host.Plan;

namespace Dr.Edge.Tests.Host.Plan;

/// <summary>What each step does to a machine, and what each step needs. Fails as the real thing would when a step comes too early.</summary>
internal sealed class MachineModel(SystemConfig system, SystemObservation seen)
{
    private readonly Dictionary<string, ComponentPresence> _components = system.Components.ToDictionary(c => c.Name, c => seen.Of(c.Name));

    public LayerState Export { get; private set; } = seen.Export;

    public LayerState Loop { get; private set; } = seen.Loop;

    public LayerState Mount { get; private set; } = seen.Mount;

    public IReadOnlyList<string> Running => [.. _components.Where(c => c.Value == ComponentPresence.Running).Select(c => c.Key)];

    public SystemObservation Observe() => seen with { Export = Export, Loop = Loop, Mount = Mount, Components = new Dictionary<string, ComponentPresence>(_components) };

    public void Run(IReadOnlyList<HostStep> steps)
    {
        foreach (var step in steps)
        {
            Do(step);
        }
    }

    private void Do(HostStep step)
    {
        switch (step.Kind)
        {
            case HostStepKind.AttachExport:
                Needs(Export == LayerState.Absent, step);
                Export = LayerState.Present;
                break;
            case HostStepKind.AttachLoop:
                Needs((Export, Loop) == (LayerState.Present, LayerState.Absent), step);
                Loop = LayerState.Present;
                break;
            case HostStepKind.CheckFileSystem:
                Needs((Loop, Mount) == (LayerState.Present, LayerState.Absent), step); // A mounted file system must not be checked.
                break;
            case HostStepKind.Mount:
                Needs((Loop, Mount) == (LayerState.Present, LayerState.Absent), step);
                Mount = LayerState.Present;
                break;
            case HostStepKind.StartComponent:
                NeedsGround(step);
                Needs(Dependencies(step.Subject).TrueForAll(d => _components[d] == ComponentPresence.Running), step);
                Needs(_components[step.Subject] == ComponentPresence.Absent, step);
                _components[step.Subject] = ComponentPresence.Running;
                break;
            case HostStepKind.CheckComponent:
                NeedsGround(step);
                Needs(_components[step.Subject] == ComponentPresence.Running, step);
                break;
            case HostStepKind.StopComponent or HostStepKind.KillComponent:
                if (step.Kind == HostStepKind.StopComponent)
                {
                    NeedsGround(step);
                    Needs(_components.All(c => c.Value != ComponentPresence.Running || !Dependencies(c.Key).Contains(step.Subject)), step); // What needs it is stopped before.
                }

                _components[step.Subject] = ComponentPresence.Absent;
                break;
            case HostStepKind.Unmount:
                Needs(_components.Values.All(p => p == ComponentPresence.Absent), step);
                Mount = LayerState.Absent;
                break;
            case HostStepKind.DetachLoop:
                Needs(Mount == LayerState.Absent, step);
                Loop = LayerState.Absent;
                break;
            case HostStepKind.DetachExport:
                Needs(Loop == LayerState.Absent, step);
                Export = LayerState.Absent;
                break;
            case HostStepKind.ProveStopped:
                Needs(Observe().IsGone, step);
                break;
            default:
                throw new InvalidOperationException($"unknown step {step}");
        }
    }

    private void NeedsGround(HostStep step) =>
        Needs(system.Mount is null || (Export, Loop, Mount) == (LayerState.Present, LayerState.Present, LayerState.Present), step);

    /// <summary>Plain, because ten thousand machines go through here and each assertion of the library costs a compiled expression.</summary>
    private void Needs(bool condition, HostStep step)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"'{step}' came when export {Export}, loop {Loop}, mount {Mount}, {string.Join(", ", _components.Select(c => $"{c.Key} {c.Value}"))}");
        }
    }

    private List<string> Dependencies(string component) => system.Components.Single(c => c.Name == component).DependsOn;
}

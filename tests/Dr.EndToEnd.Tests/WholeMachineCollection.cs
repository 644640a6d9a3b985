namespace Dr.EndToEnd.Tests;

/// <summary>Tests that start several processes, mounts and loop devices run one after the other.</summary>
[CollectionDefinition("whole machine", DisableParallelization = true)]
public sealed class WholeMachineCollection;

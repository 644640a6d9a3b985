namespace Dr.Simulator.Replay;

/// <summary>Something worth saying, in no language yet: a key of the texts and what goes into it.</summary>
internal sealed record Finding(string Key, params IReadOnlyList<object> Args);

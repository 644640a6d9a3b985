using Dr.Contracts.Policy;

namespace Dr.Silo.Grains;

/// <summary>What the grain of the policies keeps over restarts, written in one piece: what is in force, what was, and what has to be told.</summary>
[GenerateSerializer, Alias("dr.PolicyRecord")]
public sealed record PolicyRecord
{
    [Id(0)] public PolicyBook Book { get; init; } = PolicyBook.Empty;

    /// <summary>Newest first; the first is the one in force.</summary>
    [Id(1)] public IReadOnlyList<PolicyVersion> History { get; init; } = [];

    /// <summary>Older books, newest first.</summary>
    [Id(2)] public IReadOnlyList<PolicyBook> Books { get; init; } = [];

    /// <summary>Not in the audit yet; the key makes one that is written twice one.</summary>
    [Id(3)] public IReadOnlyList<OutboxNote> Notes { get; init; } = [];

    /// <summary>The version that every configured system works by.</summary>
    [Id(4)] public long AppliedVersion { get; init; }
}

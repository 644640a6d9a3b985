namespace Dr.Silo.Ingress;

/// <summary>Which of the topic partitions this silo serves.</summary>
internal interface IPartitionShare
{
    /// <summary>The partitions now; null = all of them.</summary>
    IReadOnlyCollection<byte>? Current { get; }

    /// <summary>Completes when <see cref="Current"/> has changed since the call.</summary>
    Task WaitForChangeAsync(CancellationToken cancellationToken);
}

/// <summary>The share of a silo that is alone.</summary>
internal sealed class AllPartitions : IPartitionShare
{
    public IReadOnlyCollection<byte>? Current => null;

    public Task WaitForChangeAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
}

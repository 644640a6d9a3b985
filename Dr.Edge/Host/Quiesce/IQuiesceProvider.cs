namespace Dr.Edge.Host.Quiesce;

/// <summary>One way to bring one system to a consistent state.</summary>
internal interface IQuiesceProvider
{
    /// <summary>Enters the quiet window. The token ends with the provider's deadline.</summary>
    /// <exception cref="DrException">It could not; nothing stays frozen.</exception>
    Task<IQuiesceWindow> EnterAsync(CancellationToken cancellationToken);
}

/// <summary>A window that needs no thaw.</summary>
internal sealed class OpenWindow(QuiesceMark mark) : IQuiesceWindow
{
    public QuiesceMark Mark => mark;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

namespace Dr.Edge.Nbd.Contexts;

/// <summary>A context that a client has selected: its number in answers, the name it asked with, and who knows.</summary>
internal sealed record MetaContext(uint Id, string Name, IStatusSource Source) : IDisposable
{
    public void Dispose() => Source.Dispose();
}

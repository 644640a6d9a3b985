namespace Dr.Contracts.Wire;

/// <summary>The source stops sending this volume here. The target's copy stays as it is.</summary>
public sealed record Detach(string Reason) : IWireMessage<Detach>
{
    public static FrameType Type => FrameType.Detach;

    public void Write(in WireWriter writer) => writer.Text(Reason);

    public static Detach Read(ref WireReader reader) => new(reader.Text());
}

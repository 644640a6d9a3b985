using LiteDB;

namespace Dr.Edge.Buffers;

/// <summary>The open tables of one file; handed to work on the owning thread and not to be kept by it.</summary>
internal sealed class BufferTables
{
    public BufferTables(LiteDatabase database, string path, long limitBytes)
    {
        Meta = new BufferMeta(database, path);
        Outbox = new OutboxTable(database, Meta, path, limitBytes);
        Inbox = new InboxTable(database, path);
        Deliveries = new DeliveryTable(database, path);
    }

    public BufferMeta Meta { get; }

    public OutboxTable Outbox { get; }

    public InboxTable Inbox { get; }

    public DeliveryTable Deliveries { get; }
}

using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Replication;

/// <summary>A batch that its owner never wrote, right in everything that can be looked at in it: what a fault in either store, or a disk that took one write for another, would leave on a copy.</summary>
internal static class ForeignBatch
{
    /// <summary>Puts, in place of what <paramref name="source"/> wrote after <paramref name="copy"/>'s last write (one block), another content of that block under the same number onto the copy.</summary>
    public static void AppendTo(Volume copy, Volume source)
    {
        using var reader = source.ReadJournal(copy.Appended);
        JournalItem? item;
        do
        {
            reader.TryRead(out item).ShouldBe(JournalStatus.Item);
        }
        while (item is not JournalItem.Batch);

        var bytes = ((JournalItem.Batch)item).Bytes.Span;
        BatchHeader.TryRead(bytes, out var header).ShouldBeTrue();
        using var batch = new BatchBuilder();
        batch.Begin(1, 1);
        batch.AddData(BatchReader.Descriptor(bytes[BatchHeader.SizeBytes..header.DataOffset], 0).FirstBlock, 1).Fill(0xEE);
        batch.Sum(0, 1);
        batch.Finish(header);
        copy.AppendReplica(batch.Bytes.ToArray());
    }
}

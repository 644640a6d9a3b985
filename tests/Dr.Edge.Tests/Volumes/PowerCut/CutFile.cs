namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>One file: what is flushed, and the changes since.</summary>
internal sealed class CutFile(byte[]? content = null)
{
    private const int Sector = 512;
    private byte[] _flushed = content ?? [];
    private int _length = content?.Length ?? 0;

    public List<Change> Pending { get; } = [];

    /// <param name="Serial">Of the last change of names or lengths before this, or its own when it is one.</param>
    /// <param name="Data">Null for a cut or a hole.</param>
    public sealed record Change(long Serial, long Offset, byte[]? Data, long? Length, long Hole = 0);

    public void Flush()
    {
        foreach (var change in Pending)
        {
            Put(ref _flushed, ref _length, change);
        }

        Pending.Clear();
    }

    public byte[] Cut(Random random, CutStyle style, CutRules rules, long reached)
    {
        var data = _flushed.AsSpan(0, _length).ToArray();
        var length = _length;
        if (style == CutStyle.Nothing || Pending.Count == 0 || (style == CutStyle.Files && random.Next(2) == 0))
        {
            return data;
        }

        if (style is CutStyle.Everything or CutStyle.Files)
        {
            Pending.ForEach(change => Put(ref data, ref length, change));
            return data[..length];
        }

        var kept = length; // Behind the last byte that is really there.
        var full = length; // What the file system believed.
        var stop = random.Next(Pending.Count);
        for (var i = 0; i < Pending.Count; i++)
        {
            var change = Pending[i];
            if (change.Data is null)
            {
                var happened = rules == CutRules.Journaled ? change.Serial <= reached : random.Next(2) == 0;
                if (happened)
                {
                    Put(ref data, ref length, change);
                    kept = Math.Min(kept, length);
                    full = change.Length is null ? full : length;
                }

                continue;
            }

            full = Math.Max(full, (int)(change.Offset + change.Data.Length));
            var chance = style switch
            {
                CutStyle.Prefix => i < stop ? 100 : i == stop ? 50 : 0,
                CutStyle.LateFirst => 100 * (i + 1) / Pending.Count,
                _ => 50,
            };
            PutSome(ref data, ref length, ref kept, change, random, chance, style is CutStyle.Sectors, tornAt: style == CutStyle.Prefix && i == stop);
        }

        return WithLength(data, length, kept, full, random, rules);
    }

    private static void PutSome(ref byte[] data, ref int length, ref int kept, Change change, Random random, int chance, bool bySector, bool tornAt)
    {
        if (!bySector && !tornAt && random.Next(100) >= chance)
        {
            return;
        }

        var end = (int)(change.Offset + change.Data!.Length);
        var tear = tornAt ? change.Offset + random.Next(change.Data.Length + 1) : long.MaxValue;
        for (var from = (int)change.Offset; from < end;)
        {
            var to = Math.Min(end, (from + Sector) & ~(Sector - 1));
            if (to <= tear && (!bySector || random.Next(100) < chance))
            {
                Reserve(ref data, to);
                change.Data.AsSpan(from - (int)change.Offset, to - from).CopyTo(data.AsSpan(from));
                length = Math.Max(length, to);
                kept = Math.Max(kept, to);
            }

            from = to;
        }
    }

    /// <summary>The length may be behind what is there, exactly that, or the whole; what lies between is zeros or, where nothing forbids it, anything.</summary>
    private byte[] WithLength(byte[] data, int length, int kept, int full, Random random, CutRules rules)
    {
        var end = random.Next(3) switch
        {
            0 => Math.Max(length, full),
            1 when length > _length && _length <= kept => _length + random.Next(kept - _length + 1),
            _ => length,
        };
        var result = new byte[end];
        data.AsSpan(0, Math.Min(Math.Min(length, data.Length), end)).CopyTo(result);
        if (rules == CutRules.Strict && end > kept && random.Next(2) == 0)
        {
            // Only where something was written: a hole is zeros everywhere.
            foreach (var change in Pending.Where(change => change.Data is not null && change.Offset + change.Data.Length > kept && change.Offset < end))
            {
                var from = (int)Math.Max(kept, change.Offset);
                random.NextBytes(result.AsSpan(from, Math.Min(end, (int)change.Offset + change.Data!.Length) - from));
            }
        }

        return result;
    }

    private static void Put(ref byte[] data, ref int length, Change change)
    {
        if (change.Length is { } cut)
        {
            Reserve(ref data, (int)cut);
            if (cut < length)
            {
                data.AsSpan((int)cut, length - (int)cut).Clear();
            }

            length = (int)cut;
        }
        else if (change.Data is null)
        {
            var from = (int)Math.Min(change.Offset, length);
            data.AsSpan(from, (int)Math.Min(change.Hole, length - from)).Clear();
        }
        else
        {
            Reserve(ref data, (int)change.Offset + change.Data.Length);
            change.Data.CopyTo(data, change.Offset);
            length = Math.Max(length, (int)change.Offset + change.Data.Length);
        }
    }

    private static void Reserve(ref byte[] data, int length)
    {
        if (data.Length < length)
        {
            Array.Resize(ref data, Math.Max(length, data.Length * 2));
        }
    }
}

using System.Buffers.Binary;

namespace Dr.Edge.Nbd;

/// <summary>What INFO and GO ask: an export's name, then the kinds of information wanted. 4 + name + 2 + 2 per kind, and nothing behind it.</summary>
internal sealed record InfoQuery(string ExportName, bool WantsName, bool WantsDescription, bool WantsBlockSize)
{
    public static InfoQuery? TryParse(ReadOnlySpan<byte> data)
    {
        var reader = new OptionReader(data);
        if (!reader.TryReadText(out var name) || !reader.TryReadUInt16(out var count) || reader.Remaining != count * 2)
        {
            return null;
        }

        var (wantsName, wantsDescription, wantsBlockSize) = (false, false, false);
        for (var index = 0; index < count && reader.TryReadUInt16(out var kind); index++)
        {
            wantsName |= kind == (ushort)NbdInfoKind.Name;
            wantsDescription |= kind == (ushort)NbdInfoKind.Description;
            wantsBlockSize |= kind == (ushort)NbdInfoKind.BlockSize;
        }

        return new InfoQuery(name, wantsName, wantsDescription, wantsBlockSize);
    }
}

/// <summary>What LIST_META_CONTEXT and SET_META_CONTEXT ask: an export's name, then queries. 4 + name + 4 + (4 + query) each, and nothing behind it.</summary>
internal sealed record MetaContextQuery(string ExportName, IReadOnlyList<string> Queries)
{
    public static MetaContextQuery? TryParse(ReadOnlySpan<byte> data)
    {
        var reader = new OptionReader(data);

        // The count is only believed as far as there are bytes for that many queries.
        if (!reader.TryReadText(out var name) || !reader.TryReadUInt32(out var count) || count > (uint)reader.Remaining / 4)
        {
            return null;
        }

        var queries = new List<string>((int)count);
        for (var index = 0u; index < count; index++)
        {
            if (!reader.TryReadText(out var query))
            {
                return null;
            }

            queries.Add(query);
        }

        return reader.Remaining == 0 ? new MetaContextQuery(name, queries) : null;
    }
}

/// <summary>Takes fields off an option's data; every read says whether the bytes were there.</summary>
internal ref struct OptionReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> _rest = data;

    public readonly int Remaining => _rest.Length;

    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value))
        {
            return false;
        }

        _rest = _rest[2..];
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value))
        {
            return false;
        }

        _rest = _rest[4..];
        return true;
    }

    /// <summary>A length of 4 bytes and that much text.</summary>
    public bool TryReadText(out string text)
    {
        text = string.Empty;
        if (!TryReadUInt32(out var length) || length > (uint)_rest.Length || !OptionCodec.TryReadText(_rest[..(int)length], out text))
        {
            return false;
        }

        _rest = _rest[(int)length..];
        return true;
    }
}

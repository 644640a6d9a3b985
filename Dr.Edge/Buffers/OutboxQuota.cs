namespace Dr.Edge.Buffers;

internal enum QuotaVerdict
{
    Take,

    /// <summary>Take it, but keep only the newest status per key from now on.</summary>
    TakeNewestOnly,

    /// <summary>Room comes with the next acknowledgement.</summary>
    Wait,
    Refuse,
}

/// <summary>Who gets the room that is left. Pure.</summary>
internal static class OutboxQuota
{
    /// <summary>From here on lane 1 keeps the newest per key.</summary>
    private const double PressureShare = 0.80;

    /// <summary>Beyond this only lane 0 is taken.</summary>
    private const double ReservedFrom = 0.95;

    /// <summary>Largest row: it must fit a message with room for the rest of the batch.</summary>
    public const int RowBytesMax = LinkLimits.PayloadBytesMax / 2;

    public static QuotaVerdict Decide(Lane lane, long rowBytes, long usedBytes, long limitBytes)
    {
        if (rowBytes > RowBytesMax)
        {
            return QuotaVerdict.Refuse;
        }

        var after = usedBytes + rowBytes;
        return lane switch
        {
            Lane.Bulk => after <= limitBytes ? QuotaVerdict.Take : QuotaVerdict.Wait,
            Lane.Status when after <= limitBytes * PressureShare => QuotaVerdict.Take,
            Lane.Status => after <= limitBytes * ReservedFrom ? QuotaVerdict.TakeNewestOnly : QuotaVerdict.Refuse,
            _ => after <= limitBytes ? QuotaVerdict.Take : QuotaVerdict.Refuse,
        };
    }
}

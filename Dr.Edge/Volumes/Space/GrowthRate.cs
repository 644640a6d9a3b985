namespace Dr.Edge.Volumes.Space;

/// <summary>How fast something grew over a window.</summary>
/// <param name="WrittenPerHour">Bytes written per hour.</param>
/// <param name="GrowthPerHour">Bytes by which the space used grew per hour; negative when it fell.</param>
/// <param name="Covered">Time that was really looked at; shorter than the window while the history of samples is.</param>
internal sealed record GrowthRate(double WrittenPerHour, double GrowthPerHour, TimeSpan Covered);

/// <summary>The same over the last hour (or the shorter window that was configured), day and week; null where there is too little to tell.</summary>
internal sealed record GrowthRates(GrowthRate? Hour, GrowthRate? Day, GrowthRate? Week)
{
    public static readonly GrowthRates Unknown = new(null, null, null);

    public IEnumerable<GrowthRate> Known
    {
        get
        {
            foreach (var rate in (GrowthRate?[])[Hour, Day, Week])
            {
                if (rate is not null)
                {
                    yield return rate;
                }
            }
        }
    }
}

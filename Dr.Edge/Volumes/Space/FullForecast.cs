namespace Dr.Edge.Volumes.Space;

/// <summary>When there will be no space left.</summary>
internal static class FullForecast
{
    /// <summary>What lies further away is not worth a number.</summary>
    public static readonly TimeSpan Furthest = TimeSpan.FromDays(3650);

    /// <summary>
    /// The worst of the trends: a burst of the last hour counts, and so does a slow week. Null when nothing grows or all is further away than <see cref="Furthest"/>.
    /// </summary>
    /// <param name="roomBytes">What can be used before clients' writes are refused; not positive = full now.</param>
    public static TimeSpan? Predict(long roomBytes, GrowthRates rates)
    {
        if (roomBytes <= 0)
        {
            return TimeSpan.Zero;
        }

        TimeSpan? worst = null;
        foreach (var rate in rates.Known)
        {
            var hours = roomBytes / rate.GrowthPerHour;
            if (rate.GrowthPerHour > 0 && hours < Furthest.TotalHours && !(worst?.TotalHours <= hours))
            {
                worst = TimeSpan.FromHours(hours);
            }
        }

        return worst;
    }
}

namespace Dr.Simulator.Years;

/// <summary>Makes a story short: drops faults in halves and one by one, then shortens those that are left, as long as the same rule still breaks.</summary>
internal static class Shrinker
{
    /// <summary>Years that are played at most to shorten one story.</summary>
    private const int MostTries = 1_500;

    public static BrokenYear Shrink(DecisionCore core, ulong seed, IReadOnlyList<YearFault> year, YearViolationException violation, CancellationToken cancellationToken = default)
    {
        var (best, known, tries) = (year.Where(f => f.At <= violation.At).ToArray(), violation, 0);
        if (Breaks(best) is { } still)
        {
            known = still;
        }
        else
        {
            best = [.. year];
        }

        for (var size = Math.Max(1, best.Length / 2); size >= 1 && tries < MostTries; size = size == 1 && !DropAll(1) ? 0 : Math.Max(1, size / 2))
        {
            DropAll(size);
        }

        for (var n = 0; n < best.Length && tries < MostTries; n++)
        {
            Shorten(n);
        }

        return new BrokenYear(seed, known, best, year.Count);

        YearViolationException? Breaks(YearFault[] faults)
        {
            tries++;
            return new YearWorld(core, seed, faults).Run(cancellationToken).Violation is { } found && found.Rule == violation.Rule ? found : null;
        }

        bool DropAll(int size)
        {
            var dropped = false;
            for (var at = best.Length - size; at > -size && tries < MostTries; at -= size)
            {
                YearFault[] fewer = [.. best.Take(Math.Max(0, at)), .. best.Skip(at + size)];
                if (fewer.Length < best.Length && Breaks(fewer) is { } found)
                {
                    (best, known, dropped) = (fewer, found, true);
                    at = Math.Min(at, best.Length);
                }
            }

            return dropped;
        }

        void Shorten(int n)
        {
            for (var halvings = 0; halvings < 12 && tries < MostTries && best[n].Lasts > TimeSpan.FromSeconds(1); halvings++)
            {
                YearFault[] shorter = [.. best];
                shorter[n] = best[n] with { Lasts = TimeSpan.FromMilliseconds(Math.Round(best[n].Lasts.TotalMilliseconds / 2)) };
                if (Breaks(shorter) is not { } found)
                {
                    return;
                }

                (best, known) = (shorter, found);
            }
        }
    }
}

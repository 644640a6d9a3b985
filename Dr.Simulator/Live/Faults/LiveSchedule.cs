using Dr.Simulator.World;

namespace Dr.Simulator.Live.Faults;

/// <summary>
/// Which faults strike, in which order, for how long. Pure: the same seed and kinds give the same list. Faults come one after the other, each when the world is whole again after the last one: two sites at once
/// are beyond what is promised. The kinds come as from a deck of cards, so that a short run sees each of them as well.
/// </summary>
internal static class LiveSchedule
{
    /// <summary>Between these a rest is drawn.</summary>
    public static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(4);
    public static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(12);

    /// <summary>What a world needs at least to be whole again after a takeover: the old site starts, catches up, and everything goes home.</summary>
    public static readonly TimeSpan Healing = TimeSpan.FromSeconds(25);

    /// <summary>Longer than a takeover's lease wait and detection: the other site takes over.</summary>
    private static readonly (double Low, double High) Long = (25, 40);

    /// <summary>Shorter than what it takes to be suspected: nothing should go over.</summary>
    private static readonly (double Low, double High) Short = (2, 5);

    private static readonly (double Low, double High) AtOnce = (0, 0);

    /// <summary>What there is of each kind, with how often it comes beside the others of its kind.</summary>
    private static readonly Option[] Options =
    [
        new(LiveFaultKind.Kill, LivePlaces.Production, LiveThing.Machine, Long, 3),
        new(LiveFaultKind.Kill, LivePlaces.Backup, LiveThing.Machine, Long, 2),
        new(LiveFaultKind.Kill, LivePlaces.Production, LiveThing.Machine, Short, 1),
        new(LiveFaultKind.Kill, LivePlaces.Production, LiveThing.Edge, AtOnce, 2),
        new(LiveFaultKind.Kill, LivePlaces.Backup, LiveThing.Edge, AtOnce, 1),
        new(LiveFaultKind.Kill, LivePlaces.Third, LiveThing.Silo, AtOnce, 2),
        new(LiveFaultKind.Kill, LivePlaces.Backup, LiveThing.Silo, AtOnce, 2),
        new(LiveFaultKind.Kill, LivePlaces.Third, LiveThing.Broker, AtOnce, 1),
        new(LiveFaultKind.Kill, LivePlaces.Third, LiveThing.Store, AtOnce, 1),
        new(LiveFaultKind.Freeze, LivePlaces.Production, LiveThing.Machine, Long, 3),
        new(LiveFaultKind.Freeze, LivePlaces.Production, LiveThing.Machine, Short, 1),
        new(LiveFaultKind.Freeze, LivePlaces.Backup, LiveThing.Machine, Long, 2),
        new(LiveFaultKind.Freeze, LivePlaces.Production, LiveThing.Edge, Long, 1),
        new(LiveFaultKind.Freeze, LivePlaces.Third, LiveThing.Silo, (8, 20), 1),
        new(LiveFaultKind.Freeze, LivePlaces.Backup, LiveThing.Silo, (8, 20), 1),
        new(LiveFaultKind.Cut, LivePlaces.Production, LiveThing.Uplink, Long, 3),
        new(LiveFaultKind.Cut, LivePlaces.Production, LiveThing.Uplink, Short, 1),
        new(LiveFaultKind.Cut, LivePlaces.Backup, LiveThing.Uplink, Long, 2),
        new(LiveFaultKind.Cut, LivePlaces.Third, LiveThing.Uplink, (5, 20), 1),
        new(LiveFaultKind.Cut, LivePlaces.Production, LiveThing.SiteLine, (5, 30), 2),
        new(LiveFaultKind.Slow, LivePlaces.Production, LiveThing.Uplink, (15, 30), 2),
        new(LiveFaultKind.Slow, LivePlaces.Backup, LiveThing.Uplink, (15, 30), 1),
        new(LiveFaultKind.Slow, LivePlaces.Production, LiveThing.Machine, (10, 20), 1),
        new(LiveFaultKind.Slow, LivePlaces.Backup, LiveThing.Machine, (10, 20), 1),
        new(LiveFaultKind.Fill, LivePlaces.Production, LiveThing.Disk, (10, 20), 1),
        new(LiveFaultKind.Fill, LivePlaces.Backup, LiveThing.Disk, (10, 20), 1),
        new(LiveFaultKind.Corrupt, LivePlaces.Backup, LiveThing.Copy, AtOnce, 1),
        new(LiveFaultKind.Corrupt, LivePlaces.Production, LiveThing.Copy, AtOnce, 1),
    ];

    /// <summary>Without an end; whoever runs it takes what fits (<see cref="Fits"/>).</summary>
    /// <param name="kinds">Those that may come; each once or more in any row of as many faults as there are kinds twice.</param>
    /// <exception cref="ArgumentException">No kind at all.</exception>
    public static IEnumerable<LiveFault> Draw(ulong seed, IReadOnlyCollection<LiveFaultKind> kinds)
    {
        ArgumentOutOfRangeException.ThrowIfZero(kinds.Count);
        return DrawAll(new Chance(seed).For("live"), [.. kinds.Distinct().Order()]);
    }

    /// <summary>True when a fault that strikes now can be over, with the world whole again, before the end.</summary>
    /// <param name="healing">How long the world takes to be whole again.</param>
    public static bool Fits(LiveFault fault, TimeSpan left, TimeSpan healing) => fault.Lasts + healing <= left;

    private static IEnumerable<LiveFault> DrawAll(Chance chance, LiveFaultKind[] kinds)
    {
        Stack<LiveFaultKind> deck = [];
        for (var number = 1; ; number++)
        {
            if (deck.Count == 0)
            {
                deck = Shuffled(kinds, chance);
            }

            var option = Pick(deck.Pop(), chance);
            yield return new LiveFault(
                number, option.Kind, new LivePart(option.Place, option.Thing), TimeSpan.FromSeconds(chance.Between(option.Lasts.Low, option.Lasts.High)), chance.Between(ShortestRest, LongestRest), chance.Next());
        }
    }

    private static Stack<LiveFaultKind> Shuffled(LiveFaultKind[] kinds, Chance chance)
    {
        LiveFaultKind[] cards = [.. kinds];
        for (var i = cards.Length - 1; i > 0; i--)
        {
            var other = chance.Below(i + 1);
            (cards[i], cards[other]) = (cards[other], cards[i]);
        }

        return new Stack<LiveFaultKind>(cards);
    }

    private static Option Pick(LiveFaultKind kind, Chance chance)
    {
        var options = Options.Where(o => o.Kind == kind).ToArray();
        var at = chance.Below(options.Sum(o => o.Weight));
        foreach (var option in options)
        {
            if ((at -= option.Weight) < 0)
            {
                return option;
            }
        }

        return options[^1];
    }

    private sealed record Option(LiveFaultKind Kind, string Place, LiveThing Thing, (double Low, double High) Lasts, int Weight);
}

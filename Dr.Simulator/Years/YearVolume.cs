namespace Dr.Simulator.Years;

/// <summary>
/// A volume at one site, as its store behaves. A write is known by the epoch and the moment at which it was written, so that what a copy holds is a moment for each epoch, and what it lacks is
/// the difference: no single write has to be simulated.
/// </summary>
internal sealed class YearVolume(SiteId site)
{
    public static readonly DateTimeOffset Forever = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly List<(long Epoch, DateTimeOffset Until)> _content = [];

    public SiteId Site => site;

    public VolumeRole Role { get; set; } = VolumeRole.Replica;

    /// <summary>The highest epoch it has seen.</summary>
    public Epoch Seen { get; private set; } = Epoch.First;

    /// <summary>The epoch under which it was promoted.</summary>
    public Epoch Own { get; private set; }

    /// <summary>When its write gate shuts, by the true clock.</summary>
    public DateTimeOffset LeaseUntil { get; set; } = Forever;

    /// <summary>After a lapse: when the gate opened again.</summary>
    public DateTimeOffset GateFrom { get; set; } = DateTimeOffset.MinValue;

    /// <summary>A replica: the moment of the source's content that it holds.</summary>
    public DateTimeOffset? AsOf { get; set; }

    public MirrorState Mirror { get; set; }

    public long MirrorRecord { get; set; }

    /// <summary>The control plane has stored the last word about the mirror.</summary>
    public bool MirrorNoted { get; set; }

    /// <summary>Something in it differs from what its source sent, and nobody has noticed.</summary>
    public bool Damaged { get; set; }

    public bool IsPrimary => Role == VolumeRole.Primary;

    /// <summary>The last write in it, as a number that grows with time.</summary>
    public long Sequence { get; private set; }

    public string Digest
    {
        get
        {
            var hash = Damaged ? 1469598103934665603ul : 14695981039346656037ul;
            foreach (var (epoch, until) in _content)
            {
                hash = (((hash ^ (ulong)epoch) * 1099511628211ul) ^ (ulong)until.UtcTicks) * 1099511628211ul;
            }

            return hash.ToString("x16", CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Up to which moment the writes of <paramref name="epoch"/> are in it; null = none are.</summary>
    public DateTimeOffset? Holds(Epoch epoch)
    {
        foreach (var (e, until) in _content)
        {
            if (e == epoch.Value)
            {
                return until;
            }
        }

        return null;
    }

    public void Write(DateTimeOffset until)
    {
        if (_content.Count > 0 && _content[^1].Epoch == Own.Value)
        {
            _content[^1] = (Own.Value, until);
        }
        else
        {
            _content.Add((Own.Value, until));
        }

        Sequence = Math.Max(Sequence, Number(until));
    }

    /// <summary>Takes over what <paramref name="source"/> had at <paramref name="moment"/>; what parted from it goes aside.</summary>
    public void Follow(YearVolume source, DateTimeOffset moment)
    {
        _content.Clear();
        Sequence = 0;
        foreach (var (epoch, until) in source._content)
        {
            var kept = until < moment ? until : moment;
            _content.Add((epoch, kept));
            Sequence = Math.Max(Sequence, Number(kept));
        }
    }

    public bool Promote(Epoch epoch, DateTimeOffset? leaseUntil, bool checks)
    {
        if (checks && epoch < Seen)
        {
            return false;
        }

        if (!IsPrimary || Own != epoch)
        {
            (Role, Own, AsOf, Mirror, MirrorNoted) = (VolumeRole.Primary, epoch, null, MirrorState.None, false);
            Seen = epoch > Seen || !checks ? epoch : Seen;
            LeaseUntil = leaseUntil ?? Forever;
        }

        return true;
    }

    /// <summary>False = refused: it has seen a higher number, or serves under this very one.</summary>
    public bool Demote(Epoch epoch, bool checks)
    {
        if (checks && (epoch < Seen || (IsPrimary && epoch == Own)))
        {
            return false;
        }

        See(epoch);
        if (IsPrimary)
        {
            Role = VolumeRole.Demoted;
        }

        return true;
    }

    /// <summary>A higher number than its own ends its time as primary.</summary>
    public void See(Epoch epoch)
    {
        if (epoch > Seen)
        {
            Seen = epoch;
            if (IsPrimary && epoch > Own)
            {
                Role = VolumeRole.Demoted;
            }
        }
    }

    private static long Number(DateTimeOffset at) => (at.UtcTicks - YearWorld.Start.UtcTicks) / TimeSpan.TicksPerMillisecond;
}

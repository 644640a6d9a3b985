namespace Dr.Simulator.Live.Judging;

/// <summary>What the images of a system's volume say of what its clients were answered. Pure but for reading the streams.</summary>
internal static class VolumeJudgement
{
    /// <param name="evidence">What is known of the system so far.</param>
    /// <param name="answers">Of its numbered writers, in the order of their numbers.</param>
    /// <param name="image">The volume at the site that owns it in the end.</param>
    /// <exception cref="IOException">The image cannot be read.</exception>
    public static SystemEvidence Of(SystemEvidence evidence, IReadOnlyList<WriteAnswer> answers, Stream image)
    {
        var volume = NumberedVolume.Read(image);
        var commits = Commits(answers);
        return evidence with
        {
            Committed = commits.Length,
            Losses = Losses.Of(answers, n => volume.Numbers.Contains(n) || WasOverwritten(n, answers[^1].Number, volume)),
            Handovers = Handovers.Of(answers),
            Damage = volume.Damaged.Count == 0 ? null : $"{volume.Damaged.Count} records are damaged, the first in slot {volume.Damaged[0]}",
            LongestWait = Gaps.Longest(commits, double.NegativeInfinity, commits.LastOrDefault()),
        };
    }

    /// <summary>When commits were answered, in the clients' seconds.</summary>
    public static double[] Commits(IEnumerable<WriteAnswer> answers) => [.. answers.Where(a => a.CommittedAt is not null).Select(a => a.CommittedAt!.Value).Order()];

    /// <summary>The first byte that is not the same in both, or where the shorter one ends; null = equal.</summary>
    public static async Task<long?> FirstDifferenceAsync(Stream first, Stream second)
    {
        var (a, b) = (new byte[1 << 20], new byte[1 << 20]);
        for (var at = 0L; ;)
        {
            var read = await first.ReadAtLeastAsync(a, a.Length, throwOnEndOfStream: false);
            var other = await second.ReadAtLeastAsync(b, b.Length, throwOnEndOfStream: false);
            var same = a.AsSpan(0, read).CommonPrefixLength(b.AsSpan(0, other));
            if (same < read || same < other)
            {
                return at + same;
            }

            if (read == 0)
            {
                return null;
            }

            at += read;
        }
    }

    /// <summary>A number whose place was taken by a later one of the same slot had its turn.</summary>
    private static bool WasOverwritten(long number, long last, NumberedVolume volume)
    {
        for (var later = number + volume.Slots; later <= last + volume.Slots; later += volume.Slots)
        {
            if (volume.Numbers.Contains(later))
            {
                return true;
            }
        }

        return false;
    }
}

namespace Dr.Edge.Volumes;

/// <content>What is held only while something is read (a verification, indexes being written, space being counted) must not cost history when space is needed: it is waited for.</content>
internal sealed partial class Volume
{
    /// <summary>How often is looked whether what is held briefly is free.</summary>
    private static readonly TimeSpan BriefPause = TimeSpan.FromMilliseconds(5);

    // Set when history has to give way and a reader that takes long is in its way; such a reader ends when it sees it.
    private volatile bool _isReaderInTheWay;

    /// <summary>How often at most: one second in all.</summary>
    internal int MostBriefPauses { get; set; } = 200;

    /// <summary>True while something is read that keeps the oldest layers from moving into the base.</summary>
    internal bool IsHeldBriefly
    {
        get
        {
            lock (_syncLock)
            {
                return _holds.Exists(hold => hold.IsBrief);
            }
        }
    }

    /// <summary>Waits until nothing is held briefly. False when something still is after a second: a verification is then told to end, and the next wait finds it gone.</summary>
    internal bool WaitForBriefHolds()
    {
        for (var pauses = 0; IsHeldBriefly; pauses++)
        {
            if (pauses == MostBriefPauses)
            {
                _isReaderInTheWay = true;
                return false;
            }

            Thread.Sleep(BriefPause);
        }

        return true;
    }

    /// <summary>A verification may take hours, and while it reads nothing can leave.</summary>
    /// <exception cref="DrException">History has to give way now.</exception>
    private void EndWhenInTheWay()
    {
        if (_isReaderInTheWay)
        {
            throw new DrException(
                $"The disk ran short while volume {Name} was being verified, and its history has to give way: the verification has ended unfinished.",
                "Give the disk more space or let less history be kept, then verify it again.",
                isTransient: true);
        }
    }
}

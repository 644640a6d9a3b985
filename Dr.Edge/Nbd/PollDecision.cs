namespace Dr.Edge.Nbd;

/// <summary>
/// Whether a connection's thread should look for the next request for a moment instead of sleeping at once. A client that waits for every answer before it asks again pays for waking the thread
/// with every request, which on a virtual machine costs several times what the request itself does. Pure: it is told what came of each look and answers whether the next one is worth it.
/// <list type="bullet">
/// <item>A client that has several requests under way is never looked for: sleeping lets them gather into batches.</item>
/// <item>A look in vain doubles how often the next ones are left out, so that a slow client, an idle one, or one that needs this very processor to go on costs next to nothing.</item>
/// </list>
/// </summary>
internal struct PollDecision
{
    /// <summary>Single requests in a row that make a client one that waits for its answers.</summary>
    public const int SinglesToBegin = 16;

    /// <summary>Waits between two looks in vain, at most.</summary>
    public const int MostLeftOut = 4096;

    private int _singles;
    private int _interval;
    private int _leftOut;

    /// <summary>Asked before every wait; <paramref name="requests"/> is the number of requests that were done since the last one.</summary>
    public bool IsWorthALook(long requests)
    {
        _singles = requests > 1 ? 0 : Math.Min(_singles + 1, SinglesToBegin);
        if (_singles < SinglesToBegin)
        {
            return false;
        }

        if (_leftOut < _interval)
        {
            _leftOut++;
            return false;
        }

        return true;
    }

    /// <summary>What came of a look.</summary>
    public void Looked(bool found)
    {
        _leftOut = 0;
        _interval = found ? _interval / 2 : Math.Clamp(_interval * 2, 1, MostLeftOut);
    }
}

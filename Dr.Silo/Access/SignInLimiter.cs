namespace Dr.Silo.Access;

/// <summary>Counts failed sign-ins by name and by address over a sliding window. One per silo, in memory: a restart forgets, which costs an attacker more than it gives.</summary>
internal sealed class SignInLimiter
{
    // Guards the two tables.
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Queue<DateTimeOffset>> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Queue<DateTimeOffset>> _byAddress = new(StringComparer.Ordinal);

    /// <summary>How long to wait; null = go on.</summary>
    public TimeSpan? WaitFor(string name, string address, DateTimeOffset now)
    {
        lock (_gate)
        {
            var waits = new[] { Wait(_byName, name, AccessLimits.FailuresPerName, now), Wait(_byAddress, address, AccessLimits.FailuresPerAddress, now) };
            return waits.Max();
        }
    }

    public void Failed(string name, string address, DateTimeOffset now)
    {
        lock (_gate)
        {
            Count(_byName, name, now);
            Count(_byAddress, address, now);
        }
    }

    /// <summary>A good password clears the name. Not the address: somebody who owns one account must not buy guesses at others with it.</summary>
    public void Succeeded(string name)
    {
        lock (_gate)
        {
            _byName.Remove(name);
        }
    }

    private static TimeSpan? Wait(Dictionary<string, Queue<DateTimeOffset>> table, string key, int limit, DateTimeOffset now)
    {
        if (!table.TryGetValue(key, out var failures))
        {
            return null;
        }

        while (failures.TryPeek(out var oldest) && now - oldest >= AccessLimits.FailureWindow)
        {
            failures.Dequeue();
        }

        if (failures.Count == 0)
        {
            table.Remove(key);
        }

        return failures.Count >= limit ? failures.Peek() + AccessLimits.FailureWindow - now : null;
    }

    private static void Count(Dictionary<string, Queue<DateTimeOffset>> table, string key, DateTimeOffset now)
    {
        if (!table.TryGetValue(key, out var failures))
        {
            if (table.Count >= AccessLimits.Remembered)
            {
                // The one whose last failure is longest ago.
                table.Remove(table.MinBy(entry => entry.Value.Last()).Key);
            }

            table[key] = failures = new Queue<DateTimeOffset>();
        }

        failures.Enqueue(now);
    }
}

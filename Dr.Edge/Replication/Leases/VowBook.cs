using Dr.Contracts.Wire;

namespace Dr.Edge.Replication.Leases;

/// <summary>What one copy has promised us, as its source knows it: until when, counted from the moment before we asked.</summary>
internal sealed class VowBook(TimeProvider time)
{
    private readonly Lock _lock = new();
    private TimeSpan? _wanted;
    private (long Number, long SentAt, TimeSpan For) _asked;
    private long _until = long.MinValue;

    /// <summary>Asks the copy again and again for promises of this length; null = no longer.</summary>
    public void Want(TimeSpan? duration)
    {
        lock (_lock)
        {
            _wanted = duration;
        }
    }

    /// <summary>The next question, when it is time for one.</summary>
    public LeaseVow? Next()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_wanted is not { } duration || (_asked.Number > 0 && time.GetElapsedTime(_asked.SentAt, now) < duration / 4))
            {
                return null;
            }

            _asked = (_asked.Number + 1, now, duration);
            return new LeaseVow(_asked.Number, (long)duration.TotalMilliseconds);
        }
    }

    /// <summary>The copy has promised; an answer to an older question says nothing new.</summary>
    public void OnVowed(long number)
    {
        lock (_lock)
        {
            if (number == _asked.Number && number > 0)
            {
                _until = Math.Max(_until, _asked.SentAt + (long)(_asked.For.TotalSeconds * time.TimestampFrequency));
            }
        }
    }

    /// <summary>Monotonic timestamp until which the copy stays a copy; <see cref="long.MinValue"/> = it has promised nothing.</summary>
    public long Until
    {
        get
        {
            lock (_lock)
            {
                return _until;
            }
        }
    }
}

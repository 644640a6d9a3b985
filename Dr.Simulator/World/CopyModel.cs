namespace Dr.Simulator.World;

/// <summary>
/// How far a streamed copy is behind: the volume's changes come in bursts through the day, and leave by its share of the line. Bits in, bits out, second by
/// second; the age is that of the oldest bit still waiting.
/// </summary>
internal sealed class CopyModel(double gigabytesPerDay, double mbps, double openHoursPerDay, Chance chance)
{
    private readonly double _meanBitsPerSecond = gigabytesPerDay * 8e9 / (openHoursPerDay * 3600);

    /// <summary>The age of the copy after ten minutes of that day's bursts; the line is good until then.</summary>
    public TimeSpan AgeAfterBursts()
    {
        const int seconds = 600;
        var queue = new Queue<(int Second, double Bits)>();
        for (var second = 0; second < seconds; second++)
        {
            // Bursts: most seconds little, some twenty times the mean, as when a batch of returns is booked.
            var bits = chance.Hits(0.05) ? _meanBitsPerSecond * chance.Between(5, 20) : _meanBitsPerSecond * chance.Between(0, 0.6);
            queue.Enqueue((second, bits));
            var room = mbps * 1e6;
            while (room > 0 && queue.TryPeek(out var head))
            {
                queue.Dequeue();
                if (head.Bits > room)
                {
                    // What is left stays at the front: order is what makes any prefix consistent.
                    queue = new Queue<(int, double)>(queue.Prepend((head.Second, head.Bits - room)));
                    room = 0;
                }
                else
                {
                    room -= head.Bits;
                }
            }
        }

        // An empty queue still has the round trip and the receiver's flush between a write and its copy.
        var flush = TimeSpan.FromSeconds(chance.Between(0.05, 0.4));
        return queue.TryPeek(out var oldest) ? TimeSpan.FromSeconds(seconds - oldest.Second) + flush : flush;
    }

    /// <summary>Time to send what changed during <paramref name="span"/> at the mean rate.</summary>
    public TimeSpan TransferOf(TimeSpan span) => TimeSpan.FromSeconds(5 + (_meanBitsPerSecond * span.TotalSeconds / (mbps * 1e6)));
}

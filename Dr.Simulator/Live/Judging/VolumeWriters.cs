using System.Diagnostics;
using System.Net.Sockets;

namespace Dr.Simulator.Live.Judging;

/// <summary>
/// Clients outside that try to write to one volume at both sites all the time, each write with a number of its own, and a ledger of what was answered when. Where they are refused they try again, at a
/// slower pace, so that the ledger shows who answers as well as who should.
/// </summary>
internal sealed class VolumeWriters : IDisposable
{
    private readonly List<WriteAnswer> _answers = [];
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _writers = [];
    private readonly string _volume;
    private readonly VolumeWritersOptions _options;
    private volatile string? _away;
    private long _number;

    /// <param name="sockets">The NBD socket of each site.</param>
    public VolumeWriters(string volume, IReadOnlyDictionary<string, string> sockets, VolumeWritersOptions options)
    {
        (_volume, _options) = (volume, options);
        foreach (var (site, socket) in sockets)
        {
            var writer = new Thread(() => Write(site, socket)) { IsBackground = true, Name = $"{volume}@{site}" };
            writer.Start();
            _writers.Add(writer);
        }
    }

    /// <summary>Seconds on the clock of the answers.</summary>
    public static double Now => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    /// <summary>Good answers, by when they came.</summary>
    public IReadOnlyList<WriteAnswer> Answers
    {
        get
        {
            lock (_lock)
            {
                return [.. _answers.OrderBy(a => a.AnsweredAt)];
            }
        }
    }

    /// <summary>When the last write was answered (with <see cref="VolumeWritersOptions.Flush"/>: committed), and where; null before the first.</summary>
    public (string Site, double At)? Last
    {
        get
        {
            lock (_lock)
            {
                for (var i = _answers.Count - 1; i >= 0; i--)
                {
                    if (!_options.Flush || _answers[i].CommittedAt is not null)
                    {
                        return (_answers[i].Site, _answers[i].CommittedAt ?? _answers[i].AnsweredAt);
                    }
                }

                return null;
            }
        }
    }

    /// <summary>The writer of one site detaches and stays away, so that the volume there can be deleted; null = all are there.</summary>
    public void StayAway(string? site) => _away = site;

    public int Count(string site)
    {
        lock (_lock)
        {
            return _answers.Count(a => a.Site == site);
        }
    }

    /// <summary>Ends them; what is under way is given up. May be called again.</summary>
    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        _stop.Cancel();
        foreach (var writer in _writers)
        {
            writer.Join(TimeSpan.FromSeconds(10));
        }

        _stop.Dispose();
    }

    private void Write(string site, string socket)
    {
        var stopped = _stop.Token;
        var data = new byte[NumberedRecord.Size];
        while (!stopped.IsCancellationRequested)
        {
            if (_away == site)
            {
                stopped.WaitHandle.WaitOne(_options.Pace);
                continue;
            }

            try
            {
                using var client = new NbdClient(socket, _volume);
                using var closing = stopped.Register(client.Dispose);
                while (!stopped.IsCancellationRequested && _away != site)
                {
                    var taken = WriteOne(client, site, data);
                    stopped.WaitHandle.WaitOne(taken ? _options.Pace : _options.RefusedPace);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidDataException)
            {
                // The export is not there, or its process died: tried again.
                stopped.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    private bool WriteOne(NbdClient client, string site, byte[] data)
    {
        var number = Interlocked.Increment(ref _number);
        NumberedRecord.Fill(data, number);
        var sent = Now;
        client.SendWrite((ulong)number, number % _options.Slots * NumberedRecord.Size, data);
        if (client.ReceiveAnyAnswer().Error != 0)
        {
            return false;
        }

        int place;
        lock (_lock)
        {
            place = _answers.Count;
            _answers.Add(new WriteAnswer(number, site, sent, Now));
        }

        if (!_options.Flush)
        {
            return true;
        }

        client.SendFlush((ulong)number);
        if (client.ReceiveAnyAnswer().Error != 0)
        {
            return false;
        }

        lock (_lock)
        {
            _answers[place] = _answers[place] with { CommittedAt = Now };
        }

        return true;
    }
}

/// <param name="Slots">Records that the volume has room for: write n goes to record n mod slots.</param>
/// <param name="Pace">Between two writes of a client.</param>
/// <param name="RefusedPace">The same after one was refused.</param>
/// <param name="Flush">Each write is flushed, and only then committed.</param>
internal sealed record VolumeWritersOptions(long Slots, TimeSpan Pace, TimeSpan RefusedPace, bool Flush);

using System.Diagnostics;
using System.Net.Sockets;
using Dr.EndToEnd.Tests.Crash;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>
/// Clients outside that try to write to one volume at both sites all the time, and a ledger of what was answered when. The judge's rule: once a write was taken at one side, none may be answered at the other until
/// ownership goes back, whatever happened to the process that held it.
/// </summary>
internal sealed class WriteJudge : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private readonly List<Answer> _answers = [];
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _writers = [];

    /// <param name="sockets">The NBD socket of each site.</param>
    public WriteJudge(string volume, IReadOnlyDictionary<string, string> sockets)
    {
        foreach (var (site, socket) in sockets)
        {
            var writer = new Thread(() => Write(volume, site, socket)) { IsBackground = true, Name = $"{volume}@{site}" };
            writer.Start();
            _writers.Add(writer);
        }
    }

    public static double Now => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    /// <summary>Good answers, by when they came.</summary>
    public IReadOnlyList<Answer> Answers
    {
        get
        {
            lock (_lock)
            {
                return [.. _answers.OrderBy(a => a.AnsweredAt)];
            }
        }
    }

    public int Count(string site) => Answers.Count(a => a.Site == site);

    /// <summary>When one side's last write was answered and the other's first was sent, for each change of sides; fails when they overlap or a side comes back that should not.</summary>
    public IReadOnlyList<(double LastAnswered, double FirstSent)> Handovers(int expected)
    {
        var answers = Answers;
        var changes = answers.Zip(answers.Skip(1)).Where(p => p.First.Site != p.Second.Site).ToArray();
        changes.Length.ShouldBe(expected, $"sides changed at {string.Join(", ", changes.Select(c => $"{c.First.Site}→{c.Second.Site} {c.First.AnsweredAt:F3}/{c.Second.SentAt:F3}"))}");
        foreach (var (first, second) in changes)
        {
            first.AnsweredAt.ShouldBeLessThanOrEqualTo(second.SentAt, $"{first.Site} answered a write after {second.Site} took one");
        }

        return [.. changes.Select(c => (c.First.AnsweredAt, c.Second.SentAt))];
    }

    public void Dispose()
    {
        _stop.Cancel();
        foreach (var writer in _writers)
        {
            writer.Join(TimeSpan.FromSeconds(10));
        }

        _stop.Dispose();
    }

    private void Write(string volume, string site, string socket)
    {
        var data = new byte[4096];
        for (var n = 0L; !_stop.IsCancellationRequested;)
        {
            try
            {
                using var client = new NbdClient(socket, volume);
                using var closing = _stop.Token.Register(client.Dispose);
                while (!_stop.IsCancellationRequested)
                {
                    BitConverter.TryWriteBytes(data, ++n);
                    var sent = Now;
                    client.SendWrite((ulong)n, n % 1024 * 4096, data);
                    var (_, error) = client.ReceiveAnyAnswer();
                    if (error == 0)
                    {
                        lock (_lock)
                        {
                            _answers.Add(new Answer(site, sent, Now));
                        }
                    }

                    _stop.Token.WaitHandle.WaitOne(Pace);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The export is not there, or its process died: tried again.
                _stop.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    internal readonly record struct Answer(string Site, double SentAt, double AnsweredAt);
}

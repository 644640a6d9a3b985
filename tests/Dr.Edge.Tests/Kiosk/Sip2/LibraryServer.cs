using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Dr.Edge.Kiosk.Sip2;

namespace Dr.Edge.Tests.Kiosk.Sip2;

/// <summary>A library system's SIP2 server: takes transactions, knows each id once, refuses the items it is told to.</summary>
internal sealed class LibraryServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _swallow;

    public LibraryServer(int port)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _running = RunAsync();
    }

    /// <summary>In the order in which they took effect.</summary>
    public ConcurrentQueue<Sip2Message> Done { get; } = new();

    public HashSet<string> Refused { get; } = [];

    public int Received { get; private set; }

    /// <summary>Carries the next ones out and hangs up instead of answering.</summary>
    public void SwallowAnswers(int count) => Volatile.Write(ref _swallow, count);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var sessions = new List<Task>();
        try
        {
            while (true)
            {
                sessions.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(sessions);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var line = new Sip2Line(client);
        try
        {
            while (await line.ReadAsync(_stop.Token) is { } text)
            {
                var message = Sip2Message.Parse(text)!;
                var answer = Answer(message);
                if (Sip2OffLine.IsTransaction(message) && Interlocked.Decrement(ref _swallow) >= 0)
                {
                    return;
                }

                await line.WriteAsync(answer.ToString(), _stop.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The kiosk has gone, or the server stops.
        }
    }

    private Sip2Message Answer(Sip2Message message)
    {
        var at = Sip2Message.DateOf(DateTime.Now);
        if (!Sip2OffLine.IsTransaction(message))
        {
            return message.Command == Sip2Message.Status
                ? message.Answer(Sip2Message.StatusAnswer, $"YYYYYY100003{at}2.00", ("AO", "main"))
                : Sip2OffLine.Answer(message, DateTime.Now, TimeSpan.FromDays(14), "main", TimeSpan.FromSeconds(5)).With("AF", "on line");
        }

        Received++;
        var refused = Refused.Contains(message["AB"]!);
        if (!refused && Done.All(d => d["XI"] != message["XI"]))
        {
            Done.Enqueue(message);
        }

        var full = Sip2OffLine.Answer(message, DateTime.Now, TimeSpan.FromDays(14), "main", TimeSpan.FromSeconds(5)).With("AF", refused ? "not ours" : "on line");
        return refused ? full with { Fixed = "0" + full.Fixed[1..] } : full;
    }
}

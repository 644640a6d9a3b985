using System.Buffers;
using System.Collections.Concurrent;
using MQTTnet.Server;

namespace Dr.Silo.Ingress;

/// <summary>
/// Holds wills back for the delay their client asked for: the library's server publishes them at once. A client that is back in time takes its will with
/// it. Recognised by what it says (off-line without a good-bye), because the server does not tell a will from a message.
/// </summary>
internal sealed class DelayedWills : IDisposable
{
    /// <summary>Sender of a will whose time has come, so that it is not held back again.</summary>
    private const string Sender = "broker";

    private const string DelayItem = "dr.willDelay";

    private readonly MqttServer _server;
    private readonly TimeSpan _longest;
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _held = new(StringComparer.Ordinal);

    public DelayedWills(MqttServer server, TimeSpan longest)
    {
        (_server, _longest) = (server, longest);
        server.ValidatingConnectionAsync += e =>
        {
            e.SessionItems[DelayItem] = TimeSpan.FromSeconds(e.WillDelayInterval);
            return Task.CompletedTask;
        };
        server.ClientConnectedAsync += e =>
        {
            Drop(e.ClientId);
            return Task.CompletedTask;
        };
        server.InterceptingPublishAsync += OnPublishAsync;
    }

    public void Dispose()
    {
        foreach (var client in _held.Keys)
        {
            Drop(client);
        }
    }

    private Task OnPublishAsync(InterceptingPublishEventArgs e)
    {
        if (e.ClientId == Sender
            || !e.ProcessPublish
            || !Topics.TryParse(e.ApplicationMessage.Topic, out _, out var channel)
            || channel != StateChannel.Name
            || !PayloadCodec.TryDecode(e.ApplicationMessage.Payload.ToArray(), e.ApplicationMessage.ContentType, MqttJson.Default.DeviceState, out var state, out _)
            || state.Online
            || state.Left
            || e.SessionItems[DelayItem] is not TimeSpan { Ticks: > 0 } delay)
        {
            return Task.CompletedTask;
        }

        e.ProcessPublish = false;
        Drop(e.ClientId);
        var held = new CancellationTokenSource();
        _held[e.ClientId] = held;
        // Owned by the dictionary: ends by itself after the delay, or with Drop.
        _ = PublishLaterAsync(e.ClientId, e.ApplicationMessage, delay < _longest ? delay : _longest, held);
        return Task.CompletedTask;
    }

    private async Task PublishLaterAsync(string client, MQTTnet.MqttApplicationMessage will, TimeSpan delay, CancellationTokenSource held)
    {
        try
        {
            await Task.Delay(delay, held.Token);
            if (_held.TryRemove(KeyValuePair.Create(client, held)))
            {
                held.Dispose();
                await _server.InjectApplicationMessage(new InjectedMqttApplicationMessage(will) { SenderClientId = Sender, SenderUserName = Sender });
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The client is back, or the broker has stopped: nobody is left to tell.
        }
    }

    private void Drop(string client)
    {
        if (_held.TryRemove(client, out var held))
        {
            held.Cancel();
            held.Dispose();
        }
    }
}

using System.Text.Json;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>
/// Sends what was taken off line to the library system of the active site, one after the other, each until it is answered: at least once, with its id, in order. The answer is kept here, and told to the control plane as a row
/// of the status lane when it is a refusal.
/// </summary>
internal sealed partial class Sip2Delivery(Sip2Config config, Sip2Route route, DeliveryStore store, IOutbox outbox, TimeProvider time, ILogger<Sip2Delivery> logger) : BackgroundService
{
    private readonly Sip2Upstream _upstream = new(config, route, time)
    {
        Login = config.User is null ? null : new Sip2Message(Sip2Message.Login, "00", [("CN", config.User), ("CO", config.Password ?? "")], null).ToString(),
    };

    /// <summary>The server that takes them; null while none does.</summary>
    public string? Server => _upstream.Server;

    public string? Trouble => _upstream.Trouble;

    public override void Dispose()
    {
        _upstream.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var added = store.NextAdded(); // Taken before the look: one that comes in between must not be missed.
                if (await store.NextAsync(stoppingToken) is not { } next)
                {
                    await added.WaitAsync(stoppingToken);
                }
                else if (!await DeliverAsync(next, stoppingToken))
                {
                    await Task.Delay(config.Retry, time, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // As it was asked to.
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // Whatever it is: what has been promised to readers is delivered as soon as it can be.
                LogTrouble(exception is DrException ? exception.Message : exception.ToString());
                await Task.Delay(config.Retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<bool> DeliverAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        var message = Sip2Message.Parse(delivery.Message) ?? throw new DrException($"delivery {delivery.Sequence} is no SIP2 message.", "It is in deliveries.db and stays there.");
        if (await _upstream.AskAsync(message, cancellationToken) is not { } answer || !Sip2OffLine.IsAnswerTo(message, answer))
        {
            return false;
        }

        var (done, words) = Sip2OffLine.Verdict(answer);
        if (!done)
        {
            // A book has left the building and the library system does not know it: somebody has to look.
            LogRejected(delivery.Id, words);
            var body = JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = delivery.Id, ["card"] = delivery.Card, ["message"] = delivery.Message, ["answer"] = answer.ToString() }, BufferJson.Default.DictionaryStringString);
            await outbox.AddAsync(Lane.Status, new DataRow { Kind = "kiosk.rejected", Key = delivery.Id, At = time.GetUtcNow(), Body = body }, cancellationToken);
        }

        await store.AnswerAsync(delivery.Sequence, done ? DeliveryState.Accepted : DeliveryState.Rejected, answer.ToString(), cancellationToken);
        return true;
    }

    [LoggerMessage(1512, LogLevel.Warning, "The library system refused transaction {Id}, which had been taken off line: {Reason}")]
    private partial void LogRejected(string id, string reason);

    [LoggerMessage(1513, LogLevel.Error, "Deliveries to the library system are held up: {Reason}")]
    private partial void LogTrouble(string reason);
}

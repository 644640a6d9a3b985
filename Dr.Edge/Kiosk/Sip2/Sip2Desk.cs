using Dr.Edge.Buffers;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>
/// Takes one message of a kiosk and answers it: by the library system while that answers, else off line. While anything waits for delivery every transaction is put behind it, also when the library system is back already: so
/// nothing overtakes what the same reader, or the same book, did before.
/// </summary>
internal sealed class Sip2Desk(Sip2Config config, DeliveryStore store, TimeProvider time)
{
    public async Task<Sip2Message> AnswerAsync(Sip2Message message, Sip2Upstream upstream, CancellationToken cancellationToken)
    {
        if (message.Command == Sip2Message.Login)
        {
            upstream.Login = (message with { Sequence = null }).ToString();
        }

        if (!Sip2OffLine.IsTransaction(message))
        {
            return await upstream.AskAsync(message, cancellationToken) ?? OffLine(message);
        }

        var id = Guid.NewGuid().ToString("N");
        if (store.Waiting == 0)
        {
            var marked = config.IdField.Length > 0 ? message.With(config.IdField, id) : message;
            if (await upstream.AskAsync(marked, cancellationToken) is { } answer)
            {
                return answer;
            }
        }

        // It may have arrived, with only the answer lost: it is sent again with the same id.
        await TakeAsync(message, id, cancellationToken);
        return OffLine(message);
    }

    /// <summary>Stores a transaction for delivery; returns when it is on disk.</summary>
    public Task<Delivery> TakeAsync(Sip2Message message, string id, CancellationToken cancellationToken) =>
        store.AddAsync(id, message["AA"] ?? "", Sip2OffLine.NoBlock(message, Now, config.Loan, config.IdField, id).ToString(), cancellationToken);

    private DateTime Now => time.GetLocalNow().DateTime;

    private Sip2Message OffLine(Sip2Message message) => Sip2OffLine.Answer(message, Now, config.Loan, config.Institution, config.Timeout);
}

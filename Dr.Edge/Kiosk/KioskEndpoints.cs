using System.Text.Json;
using System.Text.Json.Serialization;
using Dr.Edge.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Edge.Kiosk;

/// <summary>Answer to a transaction that is safe on this kiosk's disk.</summary>
/// <param name="Id">Its business key: the same id submitted again is the same transaction.</param>
/// <param name="Sequence">Its place in the kiosk's lane of transactions.</param>
/// <param name="Duplicate">It was there already.</param>
internal sealed record AcceptedTransaction(string Id, long Sequence, bool Duplicate);

/// <summary>The face to the kiosk's own software.</summary>
internal static class KioskEndpoints
{
    /// <summary>Kind of the rows in lane 0.</summary>
    public const string RowKind = "kiosk.transaction";

    private const int BodyBytesMax = 64 * 1024;

    /// <summary><c>POST /transactions</c>: a JSON object with at least <c>kind</c> and <c>card</c>; <c>id</c> is made when it is missing.</summary>
    public static void MapTransactions(this IEndpointRouteBuilder routes, IOutbox outbox, TimeProvider time, KioskStatus? status = null)
    {
        routes.MapPost("/transactions", context => SubmitAsync(context, outbox, time, status));
        if (status is not null)
        {
            routes.MapGet("/transactions/{id}", context => FindAsync(context, status));
        }
    }

    /// <summary>Where a transaction stands that is on its way to the library system, and the answer once there is one.</summary>
    private static async Task FindAsync(HttpContext context, KioskStatus status)
    {
        if (await status.FindAsync((string)context.Request.RouteValues["id"]!, context.RequestAborted) is { } view)
        {
            await context.Response.WriteAsJsonAsync(view, KioskJson.Default.TransactionView, cancellationToken: context.RequestAborted);
        }
        else
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, "This kiosk has delivered no transaction of that id to the library system.", null);
        }
    }

    private static async Task SubmitAsync(HttpContext context, IOutbox outbox, TimeProvider time, KioskStatus? status)
    {
        if (context.Request.ContentLength is null or > BodyBytesMax)
        {
            await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, $"A transaction has a length, of at most {BodyBytesMax} bytes.", null);
            return;
        }

        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            if (TextOf(document.RootElement, "kind") is null || TextOf(document.RootElement, "card") is null)
            {
                await RefuseAsync(context, StatusCodes.Status400BadRequest, "A transaction is an object with the texts 'kind' and 'card'.", "For example {\"kind\":\"borrow\",\"card\":\"2100001\",\"item\":\"044005\"}.");
                return;
            }

            var id = TextOf(document.RootElement, "id") ?? Guid.NewGuid().ToString("N");
            if (status is not null)
            {
                await status.DeliverAsync(id, TextOf(document.RootElement, "kind")!, TextOf(document.RootElement, "card")!, TextOf(document.RootElement, "item"), context.RequestAborted);
            }

            var row = new DataRow { Kind = RowKind, Key = id, At = time.GetUtcNow(), Body = document.RootElement.GetRawText() };
            var receipt = await outbox.AddAsync(Lane.Transactions, row, context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            await context.Response.WriteAsJsonAsync(new AcceptedTransaction(id, receipt.Sequence, receipt.Duplicate), KioskJson.Default.AcceptedTransaction, cancellationToken: context.RequestAborted);
        }
        catch (JsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "The body is not JSON.", null);
        }
        catch (DrException exception)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, exception.Message, exception.Hint);
        }
    }

    private static string? TextOf(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static async Task RefuseAsync(HttpContext context, int status, string title, string? detail)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(new KioskProblem(title, detail, status), KioskJson.Default.KioskProblem, "application/problem+json", context.RequestAborted);
    }
}

/// <summary>A refusal, as problem details.</summary>
internal sealed record KioskProblem(string Title, string? Detail, int Status);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AcceptedTransaction))]
[JsonSerializable(typeof(KioskProblem))]
[JsonSerializable(typeof(KioskView))]
[JsonSerializable(typeof(TransactionView))]
internal sealed partial class KioskJson : JsonSerializerContext;

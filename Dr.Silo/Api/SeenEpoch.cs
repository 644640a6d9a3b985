namespace Dr.Silo.Api;

/// <summary>The headers that make an order safe: the epoch that was seen, and a key that makes it one however often it is sent.</summary>
internal static class SeenEpoch
{
    /// <summary>Null when <paramref name="ifMatch"/> is missing or an epoch.</summary>
    public static IResult? Parse(string? ifMatch, out Epoch? seen)
    {
        seen = null;
        if (ifMatch is null)
        {
            return null;
        }

        if (!long.TryParse(ifMatch.Trim('"', ' '), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch))
        {
            return ApiProblem.BadRequest("If-Match is not an epoch.", $"'{ifMatch}' is not a number.", "Send the epoch that the system showed when you decided.");
        }

        seen = new Epoch(epoch);
        return null;
    }

    public static IResult? Required(string? ifMatch, string? system, out Epoch? seen)
    {
        var refusal = Parse(ifMatch, out seen);
        return refusal ?? (seen is not null ? null : ApiProblem.Refused(
            StatusCodes.Status428PreconditionRequired, "If-Match is missing.", "An order is about what was seen: without the epoch, a page that is out of date could start a second takeover.",
            $"GET /api/v1/systems/{system}, look, and send its epoch as If-Match."));
    }

    public static IResult? KeyRefusal(string? key) => string.IsNullOrWhiteSpace(key) || key.Length > ApiLimits.IdempotencyKeyMax
        ? ApiProblem.BadRequest(
            "Idempotency-Key is missing or too long.", $"Without a key (1 to {ApiLimits.IdempotencyKeyMax} characters) an order whose answer is lost could not be repeated safely.", "Send a fresh random key with each order, and the same one when you repeat it.")
        : null;
}

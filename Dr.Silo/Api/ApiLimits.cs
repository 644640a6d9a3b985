namespace Dr.Silo.Api;

/// <summary>Every limit of the admin API, with its reason.</summary>
internal static class ApiLimits
{
    /// <summary>Of a request's body: the largest is an order with its reason.</summary>
    public const long BodyBytesMax = 64 * 1024;

    /// <summary>Items in one page of a list unless the caller asks for fewer: a page with its grain calls stays well below a second.</summary>
    public const int PageMax = 500;

    /// <summary>A run carries its steps; fewer of them are a page.</summary>
    public const int RunPageMax = 200;

    public const int ReasonMax = 1000;

    public const int NameMax = 100;

    public const int IdempotencyKeyMax = 200;

    /// <summary>Open event streams per silo: each costs a query a second.</summary>
    public const int StreamsMax = 200;

    /// <summary>Connections to the HTTP listener.</summary>
    public const int ConnectionsMax = 2000;

    /// <summary>Grains that one list asks at once.</summary>
    public const int GrainsAtOnce = 200;
}

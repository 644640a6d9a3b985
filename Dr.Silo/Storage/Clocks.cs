namespace Dr.Silo.Storage;

/// <summary>Times in the database are UTC milliseconds since 1970: the same in both kinds, and no driver interprets them.</summary>
internal static class Clocks
{
    public static long ToStore(this DateTimeOffset at) => at.ToUnixTimeMilliseconds();

    public static DateTimeOffset FromStore(long at) => DateTimeOffset.FromUnixTimeMilliseconds(at);

    public static DateTimeOffset? FromStore(long? at) => at is { } value ? FromStore(value) : null;
}

namespace Dr.Contracts.Errors;

/// <summary>
/// What a loop of a long life does about exceptions that it does not name. One of three: the operation fails towards whoever waits for it, it is logged, and the loop goes on; or that volume, stream or session stops in a way that is
/// reported; or the process ends with a status other than 0. A loop that is silently gone is none of them.
/// </summary>
public static class Faults
{
    /// <summary>True: the operation failed, and the loop goes on. False for a broken invariant and for memory that has run out: the process has to end (a background service that lets it pass ends its host).</summary>
    public static bool MayPass(this Exception exception) => exception is not (InvariantException or OutOfMemoryException);
}

using Orleans.Storage;

namespace Dr.Silo.Grains;

/// <summary>How every grain writes its state: what is not stored is not true.</summary>
internal static class StateStore
{
    /// <summary>Stores <paramref name="state"/>; when that fails, the state stays what it was and the error goes on.</summary>
    /// <param name="onConflict">Another activation has written since: this one must go, and the next reads what is. The stale state is never written again.</param>
    public static async Task SaveAsync<T>(this IPersistentState<T> store, T state, Action onConflict)
    {
        var before = store.State;
        store.State = state;
        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception e)
        {
            store.State = before;
            if (e is InconsistentStateException)
            {
                onConflict();
            }

            throw;
        }
    }
}

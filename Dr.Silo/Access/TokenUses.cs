using System.Collections.Concurrent;

namespace Dr.Silo.Access;

/// <summary>When tokens were last used, written now and then: a write per request would make reading cost a flush.</summary>
internal sealed class TokenUses(AccessStore store, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _noted = new(StringComparer.Ordinal);

    public async Task NoteAsync(string id, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_noted.TryGetValue(id, out var at) && now - at < AccessLimits.UseNoted)
        {
            return;
        }

        if (_noted.Count >= AccessLimits.Remembered)
        {
            _noted.Clear();
        }

        _noted[id] = now;
        await store.NoteUseAsync(id, cancellationToken);
    }
}

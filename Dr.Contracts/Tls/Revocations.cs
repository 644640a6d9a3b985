using System.Security.Cryptography.X509Certificates;

namespace Dr.Contracts.Tls;

/// <summary>The newest revocation list that this process knows. A list with a lower number never takes the place of a higher one: an old copy must not let a withdrawn certificate in again. May be asked from any thread.</summary>
public sealed class Revocations
{
    private readonly Lock _gate = new(); // Orders those who bring lists.
    private volatile RevocationList? _current;

    /// <summary>Raised after another list came into force, for whoever has connections to cut. On the caller's thread.</summary>
    public event Action? Changed;

    /// <summary>Null: no list is known, and nothing is withdrawn.</summary>
    public RevocationList? Current => _current;

    public bool IsRevoked(X509Certificate2 certificate) => _current?.Revokes(certificate) ?? false;

    /// <summary>Puts <paramref name="list"/> into force; false when it is not newer than what is known.</summary>
    public bool Take(RevocationList list)
    {
        ArgumentNullException.ThrowIfNull(list);
        lock (_gate)
        {
            if (_current is { } known && (known.Number > list.Number || (known.Number == list.Number && known.ThisUpdate >= list.ThisUpdate)))
            {
                return false;
            }

            _current = list;
        }

        Changed?.Invoke();
        return true;
    }
}

using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Observing;

/// <summary>One round of asking: the suspect once a second, the witnesses at once. Lives only in memory; a restart begins it anew.</summary>
/// <param name="owner">Whose devices are asked: what they do not answer says nothing of the owner that follows.</param>
internal sealed class ProbeSession(DateTimeOffset startedAt, DateTimeOffset until, IReadOnlyList<DeviceId> suspects, Ownership owner)
{
    private readonly Dictionary<DeviceId, int> _answers = suspects.ToDictionary(s => s, _ => 0);

    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public Ownership Owner { get; } = owner;

    public DateTimeOffset StartedAt { get; } = startedAt;

    public DateTimeOffset Until { get; } = until;

    public DateTimeOffset NextAt { get; set; } = startedAt;

    public int Sent { get; set; }

    /// <summary>When the witnesses were asked last; null = not yet.</summary>
    public DateTimeOffset? WitnessesAskedAt { get; set; }

    /// <summary>They are asked with the first question, and once more when the owner surely serves nobody any more: what they see from then on weighs otherwise.</summary>
    public bool WitnessesAreDue(DateTimeOffset? gateShutAt, DateTimeOffset now) => WitnessesAskedAt is not { } asked || (asked < gateShutAt && now >= gateShutAt);

    /// <summary>Fewer questions than this were sent in a round of five: we stood still ourselves, and that nobody answered says nothing.</summary>
    public const int LeastSent = 3;

    /// <summary>We could not ask as often as we should have.</summary>
    public bool WasHeldUp => Sent < LeastSent;

    /// <summary>The devices that are asked: those of the owner that are silent.</summary>
    public IReadOnlyList<DeviceId> Suspects => suspects;

    /// <summary>How often all of them have answered: a host that answers says nothing of an appliance that does not.</summary>
    public int Answered => _answers.Values.Min();

    public bool Hear(DeviceId device)
    {
        if (!_answers.TryGetValue(device, out var count))
        {
            return false;
        }

        _answers[device] = count + 1;
        return true;
    }
}

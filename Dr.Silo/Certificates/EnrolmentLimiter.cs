using Dr.Silo.Access;

namespace Dr.Silo.Certificates;

/// <summary>Slows down whoever tries tokens: refused requests of one address are counted as failed sign-ins are. Devices behind one address that are let in are not counted.</summary>
internal sealed class EnrolmentLimiter(TimeProvider time)
{
    private readonly SignInLimiter _failures = new();

    public TimeSpan? WaitFor(string address) => _failures.WaitFor(address, address, time.GetUtcNow());

    public void Failed(string address) => _failures.Failed(address, address, time.GetUtcNow());
}

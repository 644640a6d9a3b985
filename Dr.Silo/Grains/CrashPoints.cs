using System.Diagnostics;

namespace Dr.Silo.Grains;

/// <summary>
/// Places at which tests end this process as <c>kill -9</c> does, named by <c>DR_CRASH_AT</c>: <c>saved:STEP</c> (decided and stored, not sent) and <c>sent:STEP</c> (sent, and not stored that it was).
/// Costs a comparison where the variable is not set.
/// </summary>
internal static class CrashPoints
{
    public const string Said = "killing myself at ";

    private static readonly string? At = Environment.GetEnvironmentVariable("DR_CRASH_AT");

    public static string Name(Decisions.Failover.SystemEffect effect) => effect is Decisions.Failover.SystemEffect.RunStep step ? step.Key.Step.ToString() : effect.Name;

    public static void Pass(string when, Decisions.Failover.SystemEffect effect)
    {
        if (At is not null && At == $"{when}:{Name(effect)}")
        {
            // Said, so that a test can tell this end from any other.
            Console.Error.WriteLine($"{Said}{At}");
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }
}

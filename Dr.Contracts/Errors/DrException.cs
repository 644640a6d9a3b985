namespace Dr.Contracts.Errors;

/// <summary>
/// Trouble with the environment (disk, link, peer) or a refused request: what was being done to what, and what an operator can do.
/// <see cref="Exception.Message"/> is one clear sentence; <see cref="Hint"/> says what to do next.
/// </summary>
public class DrException : Exception
{
    public DrException(string message, string? hint = null, Exception? inner = null, bool isTransient = false)
        : base(message, inner)
    {
        Hint = hint;
        IsTransient = isTransient;
    }

    /// <summary>What the operator can do about it, as a sentence; null when there is nothing useful to say.</summary>
    public string? Hint { get; }

    /// <summary>True when the same operation may succeed later without anybody acting.</summary>
    public bool IsTransient { get; }
}

/// <summary>What the configuration says cannot be: nothing but a change of it helps. A program that meets it at its start ends with status 2, and a service manager does not start it again (<c>RestartPreventExitStatus=2</c>).</summary>
public sealed class ConfigurationException(string message, string? hint = null, Exception? inner = null) : DrException(message, hint, inner);

/// <summary>Stored or received bytes are not what was written. Never retried, never repaired by guessing: the evidence stays where it is.</summary>
public sealed class CorruptDataException(string path, long offset, string expected, string actual)
    : DrException($"{path}: damaged at byte {offset}: expected {expected}, found {actual}.", "Keep the file as it is and repair the copy from another one; 'dr-edge verify' lists every damaged range.")
{
    public string Path { get; } = path;

    public long Offset { get; } = offset;
}

/// <summary>The caller's epoch is lower than one that was seen, its lease has lapsed, or its role does not allow it.</summary>
public sealed class FencedException(string message, string? hint = null) : DrException(message, hint);

/// <summary>A check of our own code that stays on in Release: going on would write something wrong.</summary>
public sealed class InvariantException(string message) : Exception(message);

/// <summary>Throws <see cref="InvariantException"/> when what must hold does not.</summary>
public static class Invariant
{
    public static void Require([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool condition, string what)
    {
        if (!condition)
        {
            throw new InvariantException($"Internal error, stopped before doing harm: {what}");
        }
    }
}

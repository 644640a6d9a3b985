namespace Dr.Silo.WebConsole.Text;

/// <summary>How something is to be taken. Each has a colour, a shape and a word, so that no one of them is the only sign.</summary>
public enum Tone
{
    /// <summary>Nothing known, or nothing to say.</summary>
    Idle,
    Good,

    /// <summary>Under way as planned.</summary>
    Busy,
    Warning,
    Bad,
}

namespace Dr.Contracts.Ids;

/// <summary>The one rule for names that people give: systems, sites, devices, volumes, clones.</summary>
public static class Names
{
    /// <summary>Longest name in characters. Short enough for a file name, an MQTT level and an NBD export.</summary>
    public const int MaxLength = 64;

    /// <summary>True when <paramref name="name"/> has 1–64 characters of a–z, A–Z, 0–9, hyphen, underscore and dot, and starts with a letter or digit.</summary>
    public static bool IsValid([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > MaxLength || !char.IsAsciiLetterOrDigit(name[0]))
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return true;
    }
}

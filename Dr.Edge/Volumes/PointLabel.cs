namespace Dr.Edge.Volumes;

/// <summary>What people may call a point. Labels travel to every copy and stand in tables, logs and export names.</summary>
internal static class PointLabel
{
    /// <summary>Longest label in characters: some words, far below what a frame of replication takes.</summary>
    public const int MaxLength = 200;

    /// <summary>Labels by which the store finds its own points again.</summary>
    private static readonly string[] Reserved = [Volume.BeforeRestoreLabel, Volume.TailCompleteLabel];

    /// <summary>The label as it is kept; null for none.</summary>
    /// <exception cref="DrException">It is too long, has control characters, or is one that the store gives itself.</exception>
    public static string? Check(string? label)
    {
        if (string.IsNullOrWhiteSpace(label))
        {
            return null;
        }

        if (label.Length > MaxLength || label.Any(char.IsControl))
        {
            throw new DrException($"A label has at most {MaxLength} characters and no control characters; this one has {label.Length}.", "Choose a shorter, plain --label.");
        }

        return Reserved.Contains(label) ? throw new DrException($"'{label}' is what the store itself calls some points.", "Choose another --label.") : label;
    }
}

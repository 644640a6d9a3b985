using System.Text;

namespace Dr.Edge.Host.Attach;

/// <param name="Options">Of this mount and of the file system, together.</param>
internal sealed record MountEntry(string MountPoint, string FileSystem, string Source, IReadOnlyList<string> Options)
{
    public bool IsReadOnly => Options.Any(o => o is "ro" or "emergency_ro" or "shutdown");
}

/// <summary>Reads the text of <c>/proc/self/mountinfo</c>. Pure.</summary>
internal static class MountTable
{
    public static IReadOnlyList<MountEntry> Parse(string text)
    {
        var entries = new List<MountEntry>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // id parent major:minor root mountpoint options [optional…] - type source superoptions
            var halves = line.Split(" - ", 2);
            var left = halves[0].Split(' ');
            var right = halves.Length == 2 ? halves[1].Split(' ') : [];
            if (left.Length >= 6 && right.Length >= 3)
            {
                entries.Add(new MountEntry(Unescape(left[4]), right[0], Unescape(right[1]), [.. left[5].Split(','), .. right[2].Split(',')]));
            }
        }

        return entries;
    }

    /// <summary>The kernel writes space, tab, newline and backslash as three octal digits.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] == '\\' && index + 3 < text.Length)
            {
                result.Append((char)(((text[index + 1] - '0') * 64) + ((text[index + 2] - '0') * 8) + (text[index + 3] - '0')));
                index += 3;
            }
            else
            {
                result.Append(text[index]);
            }
        }

        return result.ToString();
    }
}

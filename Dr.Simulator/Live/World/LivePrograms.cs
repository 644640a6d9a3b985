namespace Dr.Simulator.Live.World;

/// <summary>Where the programs of the live world are.</summary>
internal sealed record LivePrograms(string Edge, string Silo, string Sim, string Mosquitto, string PostgresBin)
{
    private static readonly string[] Needed = ["ip", "bridge", "tc", "nsenter", "unshare", "losetup", "mkfs.ext4", "mount", "umount", "fallocate", "dd", "runuser", "nbdfuse", "psql"];

    /// <exception cref="DrException">One is missing; says which and where it was looked for.</exception>
    public static LivePrograms Find(string? edge, string? silo)
    {
        foreach (var tool in Needed)
        {
            OnPath(tool, "deploy/prerequisites.sh test installs what the live world needs.");
        }

        var postgres = Directory.Exists("/usr/lib/postgresql") ? Directory.EnumerateDirectories("/usr/lib/postgresql").OrderByDescending(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var version) ? version : 0).FirstOrDefault() : null;
        return new LivePrograms(
            Ours(edge, "Dr.Edge", "dr-edge", "--edge"),
            Ours(silo, "Dr.Silo", "dr-silo", "--silo"),
            Path.Combine(AppContext.BaseDirectory, "dr-sim"),
            OnPath("mosquitto", "deploy/prerequisites.sh test installs it."),
            postgres is null ? throw new DrException("PostgreSQL is not installed: there is nothing below /usr/lib/postgresql.", "deploy/prerequisites.sh run installs it.") : Path.Combine(postgres, "bin"));
    }

    /// <summary>What was given; else beside this build in the repository; else installed.</summary>
    private static string Ours(string? given, string project, string name, string option)
    {
        if (given is not null)
        {
            return File.Exists(given) ? Path.GetFullPath(given) : throw new DrException($"There is no program {given}.", $"{option} takes the path of {name}.");
        }

        var built = AppContext.BaseDirectory.Replace("/Dr.Simulator/", $"/{project}/", StringComparison.Ordinal);
        return File.Exists(Path.Combine(built, name)) && built != AppContext.BaseDirectory ? Path.Combine(built, name) : OnPath(name, $"Build the repository, install the package, or give {option} PATH.");
    }

    private static string OnPath(string name, string hint) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/sbin").Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new DrException($"{name} is not installed.", hint);
}

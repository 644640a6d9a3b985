using System.Text.Json;

namespace Dr.Simulator.Live.World;

/// <summary>
/// What a run makes on this machine, written down before it is made: a folder, network namespaces and everything that runs in them. So a run that was killed can be cleaned up by the next one.
/// </summary>
internal sealed record Scene
{
    private const string Register = "/run/dr-live";

    /// <summary>Begins the names of its network namespaces.</summary>
    public required string Prefix { get; init; }

    public required string Folder { get; init; }

    /// <summary>The process of the run, with the moment it started, since ids are used again.</summary>
    public required int Process { get; init; }

    public required string ProcessStartedAt { get; init; }

    private string Entry => Path.Combine(Register, $"{Prefix}.json");

    /// <summary>What every part prints.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string LogFolder => Path.Combine(Folder, "logs");

    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsAlive => ProcessTable.StartedAt(Process) == ProcessStartedAt;

    /// <summary>A new one, registered.</summary>
    public static Scene Open()
    {
        var id = Environment.ProcessId;
        var scene = new Scene { Prefix = $"drlive{id}", Folder = $"/tmp/drlive{id}", Process = id, ProcessStartedAt = ProcessTable.StartedAt(id)! };
        Directory.CreateDirectory(Register);
        File.WriteAllText(scene.Entry, JsonSerializer.Serialize(scene));

        // Open to the users that databases and brokers run as.
        Directory.CreateDirectory(scene.Folder);
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode all = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
            File.SetUnixFileMode(scene.Folder, all | UnixFileMode.UserWrite);
        }

        return scene;
    }

    /// <summary>Those whose run is not alive any more.</summary>
    public static IReadOnlyList<Scene> Leftovers()
    {
        if (!Directory.Exists(Register))
        {
            return [];
        }

        return [.. Directory.EnumerateFiles(Register, "drlive*.json").Select(Read).OfType<Scene>().Where(s => !s.IsAlive)];

        static Scene? Read(string path)
        {
            try
            {
                return JsonSerializer.Deserialize<Scene>(File.ReadAllText(path));
            }
            catch (Exception exception) when (exception is JsonException or IOException)
            {
                return null;
            }
        }
    }

    /// <summary>Everything of it is gone: processes, mounts, loop devices, namespaces, files. May be called again, and on one that is half there.</summary>
    /// <returns>What could not be removed, one sentence each.</returns>
    public async Task<IReadOnlyList<string>> RemoveAsync()
    {
        var namespaces = Directory.Exists("/run/netns") ? Directory.EnumerateFiles("/run/netns", $"{Prefix}-*").Select(p => Path.GetFileName(p)!).ToArray() : [];
        for (var round = 0; round < 50 && await KillAllAsync(namespaces) > 0; round++)
        {
            await Task.Delay(100);
        }

        // The mounts of the machines went with them; what is left are the disks, mounted outside.
        foreach (var mount in Mounts().Reverse())
        {
            await Tool.TryAsync("umount", ["--lazy", mount]);
        }

        foreach (var device in await LoopsAsync())
        {
            await Tool.TryAsync("losetup", ["--detach", device]);
        }

        foreach (var name in namespaces)
        {
            await Tool.TryAsync("ip", ["netns", "del", name]);
        }

        List<string> left = [.. Mounts().Select(m => $"{m} is still mounted")];
        if (left.Count == 0 && Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }

        left.AddRange((await LoopsAsync()).Select(l => $"{l} still has a file of {Folder}"));
        if (left.Count == 0)
        {
            File.Delete(Entry);
        }

        return left;
    }

    private static async Task<int> KillAllAsync(IEnumerable<string> namespaces)
    {
        var killed = 0;
        foreach (var name in namespaces)
        {
            foreach (var process in (await Tool.TryAsync("ip", ["netns", "pids", name])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                if (int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                {
                    Native.Signal(id, Native.SIGKILL);
                    killed++;
                }
            }
        }

        return killed;
    }

    private string[] Mounts() => [.. File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')[1]).Where(m => m.StartsWith($"{Folder}/", StringComparison.Ordinal))];

    /// <summary>Devices on a file of the folder; also those whose file is gone, which the death of a machine leaves behind.</summary>
    private async Task<string[]> LoopsAsync()
    {
        var (_, output) = await Tool.TryAsync("losetup", ["--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE"]);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).Where(p => p.Length == 2 && p[1].StartsWith($"{Folder}/", StringComparison.Ordinal)).Select(p => p[0])];
    }
}

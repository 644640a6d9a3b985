namespace Dr.Simulator.Live.World;

/// <summary>A file system of its own on a sparse file, small enough to be filled.</summary>
internal sealed class SmallDisk(string image, string mount)
{
    private readonly string _filler = Path.Combine(mount, "filler");

    public string Mount => mount;

    /// <summary>Nothing is kept back for root, so that full is full for everybody.</summary>
    public async Task BuildAsync(long bytes)
    {
        await using (var file = File.Create(image))
        {
            file.SetLength(bytes);
        }

        await Tool.RunAsync("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
        Directory.CreateDirectory(mount);
        await Tool.RunAsync("mount", "-o", "loop", image, mount);
    }

    /// <summary>Takes the last byte, again and again when room comes up while it does.</summary>
    public async Task FillAsync()
    {
        var free = new DriveInfo(mount).AvailableFreeSpace;
        await Tool.TryAsync("fallocate", ["--length", free.ToString(CultureInfo.InvariantCulture), _filler]);
        await Tool.TryAsync("dd", ["if=/dev/zero", $"of={_filler}.rest", "bs=4096", "oflag=append", "conv=notrunc", "status=none"]);
    }

    public void Empty()
    {
        File.Delete(_filler);
        File.Delete($"{_filler}.rest");
    }
}

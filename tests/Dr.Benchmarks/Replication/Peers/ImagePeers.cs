using System.Globalization;
using System.Text.RegularExpressions;

namespace Dr.Benchmarks.Replication.Peers;

/// <summary>
/// What others send to bring a copy from one image to the next. Each gets the very same two images of one file system. Needs root, rsync, restic, btrfs-progs and zstd.
/// </summary>
internal sealed partial class ImagePeers(string work, string before, string after)
{
    private const int ClusterBytes = 64 * 1024;

    /// <summary>What the protocol puts before each write (NBD request header).</summary>
    private const int RequestBytes = 28;

    /// <summary>Name, bytes, and whether it is one of those that the goal names, with its own settings.</summary>
    public async Task<IReadOnlyList<(string Name, long Bytes, bool IsNamed)>> MeasureAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        progress("peers: qemu");
        var qemu = await DirtyClustersAsync(cancellationToken) * (ClusterBytes + RequestBytes);
        progress("peers: rsync");
        var rsync = await RsyncAsync([], cancellationToken);
        var rsyncPacked = await RsyncAsync(["--compress"], cancellationToken);
        progress("peers: restic");
        var restic = await ResticAsync(cancellationToken);
        progress("peers: btrfs");
        var (btrfs, btrfsPacked) = await BtrfsAsync(cancellationToken);
        return
        [
            ("btrfs send -p", btrfs, true), ("rsync --inplace", rsync, true), ("QEMU dirty bitmap, 64 KiB clusters", qemu, true), ("restic (compression auto)", restic, true),
            ("btrfs send -p | zstd -3", btrfsPacked, false), ("rsync --inplace --compress", rsyncPacked, false),
        ];
    }

    // A bitmap marks what was written; clusters written with what they held already are left out here, in the peer's favour.
    private async Task<long> DirtyClustersAsync(CancellationToken cancellationToken)
    {
        await using var was = File.OpenRead(before);
        await using var now = File.OpenRead(after);
        var (old, content) = (new byte[ClusterBytes], new byte[ClusterBytes]);
        long dirty = 0;
        while (await now.ReadAtLeastAsync(content, ClusterBytes, throwOnEndOfStream: false, cancellationToken) == ClusterBytes)
        {
            await was.ReadExactlyAsync(old, cancellationToken);
            dirty += content.AsSpan().SequenceEqual(old) ? 0 : 1;
        }

        return dirty;
    }

    private async Task<long> RsyncAsync(string[] options, CancellationToken cancellationToken)
    {
        // A shell that runs the other end here: the two talk through pipes, and rsync believes the other to be far away.
        var shell = Path.Combine(work, "here.sh");
        await File.WriteAllTextAsync(shell, "#!/bin/sh\nshift\nexec \"$@\"\n", cancellationToken);
        await ChildProcess.RunAsync("chmod", ["u+x", shell], cancellationToken);
        var copy = Path.Combine(work, "rsync.img");
        await ChildProcess.RunAsync("cp", ["--sparse=always", before, copy], cancellationToken);
        var said = await ChildProcess.RunAsync("rsync", ["--inplace", "--no-whole-file", "--ignore-times", "--stats", .. options, "-e", shell, after, $"there:{copy}"], cancellationToken);
        await ChildProcess.RunAsync("cmp", [copy, after], cancellationToken);
        File.Delete(copy);
        return RsyncBytes().Matches(said).Sum(match => long.Parse(match.Groups["bytes"].Value.Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture)) is > 0 and var bytes
            ? bytes
            : throw new BenchException($"rsync did not say what it sent: {said}");
    }

    private async Task<long> ResticAsync(CancellationToken cancellationToken)
    {
        var (repository, source) = (Path.Combine(work, "restic"), Path.Combine(work, "restic-source"));
        var (password, image) = (Path.Combine(work, "password"), Path.Combine(source, "volume.img"));
        Directory.CreateDirectory(source);
        await File.WriteAllTextAsync(password, "benchmark", cancellationToken);
        string[] common = ["--quiet", "--no-cache", "--repo", repository, "--password-file", password];
        await ChildProcess.RunAsync("restic", [.. common, "init"], cancellationToken);
        var sizes = new List<long>();
        foreach (var from in new[] { before, after })
        {
            File.Delete(image);
            await ChildProcess.RunAsync("ln", [from, image], cancellationToken);
            await ChildProcess.RunAsync("restic", [.. common, "backup", source], cancellationToken);
            sizes.Add(new DirectoryInfo(repository).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length));
        }

        Directory.Delete(repository, recursive: true);
        Directory.Delete(source, recursive: true);
        return sizes[1] - sizes[0];
    }

    // The same files on btrfs: as they were, a snapshot, then in place what differs from block to block.
    private async Task<(long Bytes, long Packed)> BtrfsAsync(CancellationToken cancellationToken)
    {
        var (image, mount) = (Path.Combine(work, "btrfs.img"), Path.Combine(work, "btrfs"));
        Directory.CreateDirectory(mount);
        await using (var file = File.Create(image))
        {
            file.SetLength(3L << 30);
        }

        await ChildProcess.RunAsync("mkfs.btrfs", ["-q", image], cancellationToken);
        await ChildProcess.RunAsync("mount", ["-o", "loop,noatime", image, mount], cancellationToken);
        try
        {
            await ChildProcess.RunAsync("btrfs", ["-q", "subvolume", "create", $"{mount}/live"], cancellationToken);
            foreach (var (from, snapshot) in new[] { (before, "before"), (after, "after") })
            {
                await CopyFilesAsync(from, $"{mount}/live", cancellationToken);
                await ChildProcess.RunAsync("btrfs", ["-q", "subvolume", "snapshot", "-r", $"{mount}/live", $"{mount}/{snapshot}"], cancellationToken);
                await ChildProcess.RunAsync("btrfs", ["filesystem", "sync", mount], cancellationToken);
            }

            var send = $"btrfs -q send -p '{mount}/before' '{mount}/after'";
            return (await CountAsync($"{send} | wc -c", cancellationToken), await CountAsync($"{send} | zstd -q -3 -c | wc -c", cancellationToken));
        }
        finally
        {
            await ChildProcess.RunAsync("umount", [mount], CancellationToken.None);
            File.Delete(image);
        }
    }

    private async Task CopyFilesAsync(string image, string to, CancellationToken cancellationToken)
    {
        var (copy, mount) = (Path.Combine(work, "files.img"), Path.Combine(work, "files"));
        Directory.CreateDirectory(mount);

        // Mounting plays the journal back: on a copy.
        await ChildProcess.RunAsync("cp", ["--sparse=always", image, copy], cancellationToken);
        await ChildProcess.RunAsync("mount", ["-o", "loop,noatime", copy, mount], cancellationToken);
        try
        {
            await ChildProcess.RunAsync("rsync", ["--archive", "--delete", "--inplace", "--no-whole-file", "--block-size=4096", "--ignore-times", $"{mount}/", $"{to}/"], cancellationToken);
        }
        finally
        {
            await ChildProcess.RunAsync("umount", [mount], CancellationToken.None);
            File.Delete(copy);
        }
    }

    private static async Task<long> CountAsync(string pipeline, CancellationToken cancellationToken) =>
        long.Parse(await ChildProcess.RunAsync("bash", ["-c", $"set -o pipefail; {pipeline}"], cancellationToken), NumberStyles.Integer | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^Total bytes (?:sent|received): (?<bytes>[\d,]+)", RegexOptions.Multiline)]
    private static partial Regex RsyncBytes();
}

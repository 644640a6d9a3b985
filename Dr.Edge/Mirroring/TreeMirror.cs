using System.Text.RegularExpressions;
using Dr.Edge.Host.Processes;
using Dr.Edge.Host.Quiesce;
using Npgsql;

namespace Dr.Edge.Mirroring;

/// <summary>
/// Rounds of a directory tree: <c>rsync</c> into a file system on the volume, in place, so that of a large file only the changed blocks are written. Files are told apart by size and time of change, or on request by their
/// contents. A point of one moment takes a second run while the source is held still (it only finds what the first one missed), or for a PostgreSQL its backup mode.
/// </summary>
internal sealed partial class TreeMirror(MirrorOptions options, MirrorTarget target, TimeProvider time) : IMirror
{
    private const int SomeFilesVanished = 24; // Not a fault: they were deleted while it ran.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);
    private bool _verify = options.Verify;
    private bool _isMounted;

    public async Task<MirrorRound> RoundAsync(Action<long, long> progress, CancellationToken cancellationToken)
    {
        await MountAsync(cancellationToken);
        var start = time.GetTimestamp();
        var files = await CopyAsync("/", _verify || options.ByHash, [], cancellationToken);
        _verify = false;
        QuiesceMark mark;
        if (options.Quiesce == MirrorQuiesce.BackupMode)
        {
            (mark, var more) = await BackupAsync(cancellationToken);
            files += more;
        }
        else if (options.Quiesce is not null)
        {
            (mark, var more) = await QuietAsync(cancellationToken);
            files += more;
        }
        else
        {
            var missed = await CopyAsync("/", byHash: false, [], cancellationToken);
            files += missed;
            mark = QuiesceMark.Crash(missed == 0 ? "no file changed while the tree was read" : $"NOT one moment: {missed} files changed while the tree was read");
        }

        await SyncAsync(cancellationToken);
        var point = await target.PointAsync(mark, cancellationToken);
        return new MirrorRound
        {
            At = time.GetUtcNow(), ChangedFiles = files, Seconds = Math.Round(time.GetElapsedTime(start).TotalSeconds, 3), Point = point?.Id.Value, Consistency = mark.Consistency.ToString(), Reason = mark.Reason,
        };
    }

    private async Task<(QuiesceMark Mark, long Files)> QuietAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var window = await MirrorQuiesce.EnterAsync(options, time, cancellationToken);
            var files = await CopyAsync("/", byHash: false, [], cancellationToken);
            return (window.Mark, files);
        }
        catch (DrException exception)
        {
            return (QuiesceMark.Crash($"NOT one moment: {exception.Message}"), 0);
        }
    }

    /// <summary>
    /// An online backup as PostgreSQL's manual has it (section 26.3.3): files may change while they are copied, as long as the log from the beginning to the end of the copy is there, and <c>backup_label</c> says where to begin.
    /// </summary>
    private async Task<(QuiesceMark Mark, long Files)> BackupAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var session = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(options.Connection) { Pooling = false, CommandTimeout = 0 }.ConnectionString);
            await session.OpenAsync(cancellationToken);
            await using (var begin = new NpgsqlCommand("select pg_backup_start('dr-edge mirror', true)", session))
            {
                await begin.ExecuteNonQueryAsync(cancellationToken);
            }

            var files = await CopyAsync("/", byHash: false, ["--exclude=/postmaster.pid", "--exclude=/postmaster.opts", "--exclude=/pg_wal/*", "--exclude=/backup_label", "--exclude=/tablespace_map"], cancellationToken);
            string label;
            string map;
            string end;
            await using (var stop = new NpgsqlCommand("select lsn::text, labelfile, coalesce(spcmapfile, '') from pg_backup_stop(false)", session))
            await using (var reader = await stop.ExecuteReaderAsync(cancellationToken))
            {
                await reader.ReadAsync(cancellationToken);
                (end, label, map) = (reader.GetString(0), reader.GetString(1), reader.GetString(2));
            }

            if (map.Trim().Length > 0)
            {
                return (QuiesceMark.Crash("NOT one moment: the database has tablespaces outside its directory, which are not mirrored"), files);
            }

            // By content: a segment keeps its size, and one that was written again within the clock's tick keeps its time.
            files += await CopyAsync("/pg_wal/", byHash: true, [], cancellationToken);
            File.Delete(Path.Combine(target.Mount, "postmaster.pid"));
            await File.WriteAllTextAsync(Path.Combine(target.Mount, "backup_label"), label, cancellationToken);
            await ProgramRunner.RunAsync("chown", [$"--reference={Path.Combine(target.Mount, "PG_VERSION")}", Path.Combine(target.Mount, "backup_label")], TimeSpan.FromSeconds(10), cancellationToken);
            return (QuiesceMark.Application($"postgresql: backup mode, log up to {end}"), files);
        }
        catch (NpgsqlException exception)
        {
            return (QuiesceMark.Crash($"NOT one moment: PostgreSQL could not be put into backup mode: {exception.Message}"), 0);
        }
    }

    /// <summary>How many files were written. Times are compared to the nanosecond: by whole seconds, a file that keeps its size and is written again within one would be passed over.</summary>
    private async Task<long> CopyAsync(string below, bool byHash, string[] exclude, CancellationToken cancellationToken)
    {
        var result = await ProgramRunner.RunAsync(
            "rsync",
            ["--archive", "--hard-links", "--acls", "--xattrs", "--sparse", "--numeric-ids", "--one-file-system", "--delete", "--inplace", "--no-whole-file", "--modify-window=-1", "--stats", .. byHash ? (string[])["--checksum"] : [],
                "--exclude=/lost+found", .. exclude, options.Source.TrimEnd('/') + below, target.Mount + below], Longest, cancellationToken);
        if (!result.Succeeded && result.ExitCode != SomeFilesVanished)
        {
            result.Require($"Copying {options.Source}");
        }

        return Transferred().Match(result.Output) is { Success: true } match ? long.Parse(match.Groups[1].Value.Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) : 0;
    }

    private async Task MountAsync(CancellationToken cancellationToken)
    {
        if (_isMounted)
        {
            return;
        }

        await target.Attachment.AttachLoopAsync(cancellationToken);
        var found = await target.Attachment.FileSystemTypeAsync(cancellationToken);
        if (found != options.FileSystem)
        {
            if (found.Length > 0 || !await target.Attachment.IsBlankAsync(cancellationToken))
            {
                throw new DrException($"Volume {options.Volume} is not empty: {(found.Length > 0 ? $"it holds {found}" : "it holds data of no known kind")}.", "A directory is mirrored into a file system of its own: use another volume, or say --file-system.");
            }

            await target.Attachment.FormatAsync(cancellationToken);
        }

        await target.Attachment.CheckFileSystemAsync(cancellationToken);
        await target.Attachment.MountAsync(cancellationToken);
        await target.Attachment.ReleaseLoopAsync(cancellationToken);
        _isMounted = true;
    }

    private async Task SyncAsync(CancellationToken cancellationToken) =>
        (await ProgramRunner.RunAsync("sync", ["--file-system", target.Mount], TimeSpan.FromMinutes(10), cancellationToken)).Require($"Writing out volume {options.Volume}");

    [GeneratedRegex(@"Number of regular files transferred: ([\d,]+)")]
    private static partial Regex Transferred();
}

using Dr.Edge.Volumes.Background;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>
/// Reads every volume of a set again and again, piece by piece, as clients leave room for it. What it finds is kept with the volume and told once. It changes no data. Steps are one thread's; everything
/// else may be called from any.
/// </summary>
internal sealed partial class Scrubber(VolumeSet set, WorkPacer pacer, TimeSpan period, StoreFaults faults, ILogger logger)
{
    /// <summary>Read at once: four operations, a few milliseconds of a disk.</summary>
    public const int PieceBytes = 256 * 1024;

    /// <summary>What a crash may have read again.</summary>
    public const long SaveBytes = 64L << 20;

    private readonly Lock _lock = new(); // Guards _books.
    private readonly Dictionary<VolumeId, Entry> _books = [];

    public TimeSpan Period => period;

    /// <summary>How it stands with one volume.</summary>
    public ScrubBook Book(Volume volume)
    {
        lock (_lock)
        {
            return Of(volume).Book;
        }
    }

    /// <summary>Begins a pass now; one under way goes on.</summary>
    public ScrubBook Start(Volume volume) => Change(volume, book => book.Cursor is null ? book.Begin(set.Time.GetUtcNow()) : book with { Paused = false });

    public ScrubBook Pause(Volume volume) => Change(volume, book => book with { Paused = true });

    public ScrubBook Resume(Volume volume) => Change(volume, book => book with { Paused = false });

    /// <summary>Reads the next piece of the first volume that has one to read, when clients leave room. False when there is nothing to do now.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    public bool Step(CancellationToken cancellationToken)
    {
        if (set.Space.IsShort)
        {
            // What makes space must not wait for history that is being read.
            return false;
        }

        foreach (var volume in set.Volumes)
        {
            if (Due(volume) is { Cursor: { } cursor } book)
            {
                SetFloor(volume, book);
                pacer.Wait(PieceBytes, cancellationToken);
                Read(volume, cursor);
                return true;
            }
        }

        return false;
    }

    /// <summary>Saves where every pass stands.</summary>
    public void Save()
    {
        List<(Volume Volume, Entry Entry)> entries;
        lock (_lock)
        {
            entries = [.. set.Volumes.Where(volume => _books.TryGetValue(volume.Id, out var entry) && entry.Unsaved > 0).Select(volume => (volume, _books[volume.Id]))];
        }

        foreach (var (volume, entry) in entries)
        {
            Save(volume, entry);
        }
    }

    private ScrubBook? Due(Volume volume)
    {
        lock (_lock)
        {
            var entry = Of(volume);
            var now = set.Time.GetUtcNow();
            if (entry.Book.Paused || volume.Fault is not null)
            {
                return null;
            }

            if (entry.Book.Cursor is null && period > TimeSpan.Zero && entry.Book.DueAt(volume.CreatedAt, period) <= now)
            {
                entry.Book = entry.Book.Begin(now);
                LogBegun(volume.Name);
            }

            return entry.Book;
        }
    }

    /// <summary>As much as a pass needs to be done in its time, however busy clients are.</summary>
    private void SetFloor(Volume volume, ScrubBook book)
    {
        var left = Math.Max(0, volume.ScrubBytes - book.CheckedBytes);
        var time = (book.StartedAt ?? set.Time.GetUtcNow()) + period - set.Time.GetUtcNow();
        var needed = time > TimeSpan.FromHours(1) ? left / (double)pacer.Limits.OperationBytes / time.TotalSeconds : 0;
        pacer.Limits = pacer.Limits with { FloorPerSecond = Math.Max(set.WorkLimits.FloorPerSecond, needed) };
    }

    private void Read(Volume volume, ScrubCursor cursor)
    {
        ScrubPiece piece;
        try
        {
            piece = volume.ScrubPiece(cursor, PieceBytes, damage => Found(volume, damage));
        }
        catch (Exception exception) when (exception is DrException or IOException or ObjectDisposedException)
        {
            // Deleted or closed meanwhile, or a disk that does not answer at all: the pass stands where it is until somebody looks.
            LogFailed(volume.Name, exception);
            Change(volume, book => book with { Paused = true });
            return;
        }

        Entry entry;
        lock (_lock)
        {
            entry = Of(volume);
            if (entry.Book.Cursor != cursor)
            {
                return;
            }

            entry.Book = entry.Book.Advance(piece, set.Time.GetUtcNow());
            entry.Unsaved += Math.Max(1, piece.Bytes);
        }

        if (entry.Book.Cursor is null)
        {
            LogFinished(volume.Name, entry.Book.CheckedBytes, entry.Book.Findings.Count);
        }

        if (entry.Book.Cursor is null || entry.Unsaved >= SaveBytes)
        {
            Save(volume, entry);
        }
    }

    private void Found(Volume volume, Damage damage)
    {
        var (points, inPresent) = ShownBy(volume, damage);
        var now = set.Time.GetUtcNow();
        var where = Path.IsPathRooted(damage.Where) ? Path.GetRelativePath(volume.DirectoryPath, damage.Where) : damage.Where;
        Entry entry;
        lock (_lock)
        {
            entry = Of(volume);
            var isNew = entry.Book.TryAdd(new ScrubFinding(where, damage.Offset, damage.Length, damage.Problem, damage.Block, points, inPresent, now, now), out var book);
            entry.Book = book;
            if (!isNew)
            {
                return;
            }
        }

        LogFound(volume.Name, where, damage.Offset, damage.Problem, points.Count, inPresent);
        Save(volume, entry);
    }

    private static (IReadOnlyList<PointId> Points, bool InPresent) ShownBy(Volume volume, Damage damage)
    {
        try
        {
            return damage.Where == "map" ? ([], true) : volume.ShownBy(damage);
        }
        catch (CorruptDataException)
        {
            // Damage elsewhere hides it; the finding itself counts.
            return ([], true);
        }
    }

    private ScrubBook Change(Volume volume, Func<ScrubBook, ScrubBook> change)
    {
        Entry entry;
        lock (_lock)
        {
            entry = Of(volume);
            entry.Book = change(entry.Book);
        }

        Save(volume, entry);
        return entry.Book;
    }

    private Entry Of(Volume volume)
    {
        if (!_books.TryGetValue(volume.Id, out var entry))
        {
            entry = new Entry(ScrubBook.Load(volume.DirectoryPath, faults));
            _books.Add(volume.Id, entry);
        }

        return entry;
    }

    private void Save(Volume volume, Entry entry)
    {
        ScrubBook book;
        lock (_lock)
        {
            (book, entry.Unsaved) = (entry.Book, 0);
        }

        try
        {
            book.Save(volume.DirectoryPath, faults);
        }
        catch (Exception exception) when (exception is DrException or IOException)
        {
            // Full, or the volume was deleted: after a restart a little is read again.
            LogNotSaved(volume.Name, exception);
        }
    }

    private sealed class Entry(ScrubBook book)
    {
        public ScrubBook Book { get; set; } = book;

        public long Unsaved { get; set; }
    }

    [LoggerMessage(1170, LogLevel.Information, "Scrubbing of {Volume} begins")]
    private partial void LogBegun(string volume);

    [LoggerMessage(1171, LogLevel.Information, "Scrubbing of {Volume} is done: {CheckedBytes} bytes read, {Findings} findings")]
    private partial void LogFinished(string volume, long checkedBytes, int findings);

    [LoggerMessage(1172, LogLevel.Error, "{Volume} is damaged in {Where} at byte {Offset}: {Problem}. {Points} points show it (the present: {InPresent}). It is kept as it is: fetch it from another copy")]
    private partial void LogFound(string volume, string where, long offset, string problem, int points, bool inPresent);

    [LoggerMessage(1173, LogLevel.Warning, "Scrubbing of {Volume} has stopped where it is; 'dr-edge scrub resume' goes on")]
    private partial void LogFailed(string volume, Exception exception);

    [LoggerMessage(1174, LogLevel.Debug, "Where the scrubbing of {Volume} stands could not be saved")]
    private partial void LogNotSaved(string volume, Exception exception);
}

using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Space;

/// <summary>Knows how the disk and each volume grow, says when there will be no space, and raises the alarm. Every member may be called from any thread.</summary>
internal sealed partial class SpaceKeeper
{
    /// <summary>Between samples, unless the shortest window is shorter than an hour.</summary>
    public static readonly TimeSpan SamplePeriod = GrowthSeries.Hour / GrowthSeries.ShortSamples;

    /// <summary>Between saves: what a crash may forget of the past.</summary>
    public static readonly TimeSpan SavePeriod = TimeSpan.FromMinutes(5);

    private readonly VolumeSet _set;
    private readonly StoreFaults _faults;
    private readonly ILogger _logger;
    private readonly TimeSpan _trend;
    private readonly Lock _lock = new(); // Guards everything below.
    private readonly GrowthSeries _fileSystem;
    private readonly Dictionary<VolumeId, VolumeGrowth> _volumes = [];
    private readonly SpaceBook _loaded;
    private AlarmState _alarm;
    private DateTimeOffset? _sampledAt;
    private DateTimeOffset _savedAt;

    /// <param name="trend">The shortest window; null = an hour.</param>
    public SpaceKeeper(VolumeSet set, StoreFaults faults, ILogger logger, TimeSpan? trend = null)
    {
        (_set, _faults, _logger, _trend) = (set, faults, logger, trend ?? GrowthSeries.Hour);
        _loaded = SpaceBook.Load(set.DirectoryPath, faults, out var wasDamaged) ?? new SpaceBook();
        if (wasDamaged)
        {
            LogDamaged(Path.Combine(set.DirectoryPath, SpaceBook.FileName));
        }

        _fileSystem = new GrowthSeries(_loaded.FileSystem, _trend);
        _alarm = _loaded.Alarm;
        _savedAt = set.Time.GetUtcNow();
    }

    /// <summary>How loud it is now.</summary>
    public SpaceLevel Level
    {
        get
        {
            lock (_lock)
            {
                return _alarm.Level;
            }
        }
    }

    /// <summary>Looks at the disk: volumes that wait for space try again; samples, forecast and alarm when it is time. Called every few seconds.</summary>
    public void Tick()
    {
        var use = _set.Space.Refresh();
        foreach (var volume in _set.Volumes)
        {
            try
            {
                volume.RetryWhenFull();
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // One volume's trouble must not keep the others waiting.
                LogNotRetried(volume.Name, exception);
            }
        }

        var now = _set.Time.GetUtcNow();
        lock (_lock)
        {
            if (_sampledAt is not { } last || now - last >= _trend / GrowthSeries.ShortSamples || now < last)
            {
                Sample(now, use);
            }

            var forecast = FullForecast.Predict(use.AvailableBytes - _set.Space.Limits.ReserveBytes, _fileSystem.Rates());
            var before = _alarm.Level;
            _alarm = SpaceAlarm.Next(_alarm, now, use.AvailableBytes, _set.Space.Limits, forecast);
            _set.Space.Level = _alarm.Level;
            Announce(before, use, forecast);
        }

        if (now - _savedAt >= SavePeriod || now < _savedAt)
        {
            Save();
        }
    }

    /// <summary>Saves what is known; a disk too full for it is no reason to fail.</summary>
    public void Save()
    {
        SpaceBook book;
        lock (_lock)
        {
            _savedAt = _set.Time.GetUtcNow();
            book = new SpaceBook { FileSystem = [.. _fileSystem.Samples], Volumes = _volumes.ToDictionary(v => v.Key.Value, v => (IReadOnlyList<GrowthSample>)[.. v.Value.Series.Samples]), Alarm = _alarm };
        }

        try
        {
            book.Save(_set.DirectoryPath, _faults);
        }
        catch (Exception exception) when (exception is DrException or IOException)
        {
            LogNotSaved(exception);
        }
    }

    public FileSystemSpace FileSystem()
    {
        var use = _set.Space.Use;
        var limits = _set.Space.Limits;
        lock (_lock)
        {
            var rates = _fileSystem.Rates();
            return new FileSystemSpace(
                _set.DirectoryPath, use.SizeBytes, use.AvailableBytes, limits.ReserveBytes, limits.GiveWayBytes, _alarm.Level, rates, FullForecast.Predict(use.AvailableBytes - limits.ReserveBytes, rates));
        }
    }

    /// <summary>How a volume grows, and when it alone would have filled the disk.</summary>
    public (GrowthRates Rates, TimeSpan? FullInAlone) GrowthOf(Volume volume)
    {
        var room = _set.Space.Use.AvailableBytes - _set.Space.Limits.ReserveBytes;
        lock (_lock)
        {
            var rates = GrowthFor(volume).Series.Rates();
            return (rates, FullForecast.Predict(room, rates));
        }
    }

    private void Sample(DateTimeOffset now, FileSystemUse use)
    {
        _sampledAt = now;
        var volumes = _set.Volumes;
        long written = 0;
        foreach (var volume in volumes)
        {
            var growth = GrowthFor(volume);
            var sample = new GrowthSample(now, growth.WrittenBefore + volume.AppendedBytes, volume.AllocatedBytes);
            growth.Series.Add(sample);
            written += sample.WrittenBytes;
        }

        foreach (var gone in _volumes.Keys.Where(id => volumes.All(volume => volume.Id != id)).ToList())
        {
            _volumes.Remove(gone);
        }

        // A volume that was deleted takes its part of the sum with it.
        written = Math.Max(written, _fileSystem.Samples.Count > 0 ? _fileSystem.Samples[^1].WrittenBytes : 0);
        _fileSystem.Add(new GrowthSample(now, written, use.UsedBytes));
    }

    private VolumeGrowth GrowthFor(Volume volume)
    {
        if (!_volumes.TryGetValue(volume.Id, out var growth))
        {
            var samples = _loaded.Volumes.TryGetValue(volume.Id.Value, out var saved) ? saved : [];
            growth = new VolumeGrowth(new GrowthSeries(samples, _trend), samples.Count > 0 ? samples.Max(sample => sample.WrittenBytes) : 0);
            _volumes.Add(volume.Id, growth);
        }

        return growth;
    }

    private void Announce(SpaceLevel before, FileSystemUse use, TimeSpan? forecast)
    {
        var level = _alarm.Level;
        if (level == before)
        {
            return;
        }

        var left = Quantities.FormatSize(use.AvailableBytes);
        var when = forecast is { } fullIn ? $"full in {SpaceText.Duration(fullIn)} at the present rate" : "not growing";
        switch (level)
        {
            case SpaceLevel.Full:
                LogFull(_set.DirectoryPath, left);
                break;
            case SpaceLevel.Critical:
                LogCritical(_set.DirectoryPath, left, when);
                break;
            case SpaceLevel.Warning:
                LogWarning(_set.DirectoryPath, left, when);
                break;
            default:
                LogAmple(_set.DirectoryPath, left);
                break;
        }
    }

    private sealed record VolumeGrowth(GrowthSeries Series, long WrittenBefore);

    [LoggerMessage(1150, LogLevel.Information, "The disk of {Path} has space enough again: {Left} left")]
    private partial void LogAmple(string path, string left);

    [LoggerMessage(1151, LogLevel.Warning, "The disk of {Path} is filling up: {Left} left, {When}. Delete points or volumes, or give it more space")]
    private partial void LogWarning(string path, string left, string when);

    [LoggerMessage(1152, LogLevel.Error, "The disk of {Path} is nearly full: {Left} left, {When}. Volumes whose policy says so let history give way now")]
    private partial void LogCritical(string path, string left, string when);

    [LoggerMessage(1153, LogLevel.Critical, "The disk of {Path} is full ({Left} left, which is kept for making space): writes are refused. Delete points or volumes, or give it more space")]
    private partial void LogFull(string path, string left);

    [LoggerMessage(1154, LogLevel.Warning, "{Path} is damaged and was put aside: the growth seen before is not known any more")]
    private partial void LogDamaged(string path);

    [LoggerMessage(1157, LogLevel.Error, "{Volume} waits for space and could not be tried again now")]
    private partial void LogNotRetried(string volume, Exception exception);

    [LoggerMessage(1155, LogLevel.Debug, "The growth seen could not be saved; it is tried again in time")]
    private partial void LogNotSaved(Exception exception);
}

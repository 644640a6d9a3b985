using Dr.Edge.Host.Processes;
using Dr.Edge.Host.Quiesce;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Mirroring;

/// <summary>Rounds of a block device or an image file.</summary>
internal sealed class BlockMirror : IMirror
{
    private readonly MirrorOptions _options;
    private readonly MirrorTarget _target;
    private readonly TimeProvider _time;
    private MirrorState? _state;
    private bool _verify;
    private double _readSeconds;

    public BlockMirror(MirrorOptions options, MirrorTarget target, TimeProvider time)
    {
        (_options, _target, _time) = (options, target, time);
        _verify = options.Verify;
    }

    public async Task<MirrorRound> RoundAsync(Action<long, long> progress, CancellationToken cancellationToken)
    {
        using var source = new BlockSource(_options.Source, _time);
        var state = await StateAsync(source, cancellationToken);
        if (state.Cursor == 0 && !_verify && state.Mark is { } known && known == source.Mark())
        {
            return new MirrorRound { At = _time.GetUtcNow(), Unchanged = true };
        }

        using var target = File.OpenHandle(_target.File, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var resumed = state.Cursor > 0;
        var pass = await PassAsync(source, target, state, progress, cancellationToken);
        if (resumed)
        {
            pass = Sum(pass, await PassAsync(source, target, state, progress, cancellationToken));
        }

        _readSeconds = Math.Max(pass.Seconds, 0.001);
        var mark = pass.IsOneMoment ? QuiesceMark.Crash("the source did not change while it was read")
            : QuiesceMark.Crash($"NOT one moment: the source was written to during the {pass.Seconds:0.0} s in which it was read");
        if (_options.Quiesce is not null)
        {
            (mark, pass) = await QuietAsync(source, target, state, pass, mark, progress, cancellationToken);
        }

        var point = await _target.PointAsync(mark, cancellationToken);
        return Round(pass, point, mark);
    }

    /// <summary>One more pass, over the source held still or over a snapshot of it.</summary>
    private async Task<(QuiesceMark Mark, PassResult Pass)> QuietAsync(
        BlockSource source, SafeFileHandle target, MirrorState state, PassResult pass, QuiesceMark fallback, Action<long, long> progress, CancellationToken cancellationToken)
    {
        if (_options.Snapshot is null && _readSeconds * 1.5 > _options.Timeout.TotalSeconds)
        {
            return (fallback with { Reason = $"{fallback.Reason}; reading it takes {_readSeconds:0.0} s, too long to hold it still for {_options.Timeout.TotalSeconds:0.#} s: a snapshot would do (--snapshot)" }, pass);
        }

        string? snapshot = null;
        try
        {
            QuiesceMark mark;
            await using (var window = await MirrorQuiesce.EnterAsync(_options, _time, cancellationToken))
            {
                if (_options.Snapshot is { } command)
                {
                    snapshot = (await ProgramRunner.ShellAsync(command, OsUser.Root, _options.Timeout, cancellationToken)).Require("Taking a snapshot", "Its command has to print the path of the snapshot.").Output.Trim();
                }
                else
                {
                    pass = Sum(pass, await PassAsync(source, target, state, progress, cancellationToken));
                }

                mark = window.Mark;
            }

            if (snapshot is not null)
            {
                using var still = new BlockSource(snapshot, _time);
                pass = Sum(pass, await PassAsync(still, target, state, progress, cancellationToken));
                state.Mark = null; // It is the snapshot's.
                Save(state);
            }

            return (mark, pass);
        }
        catch (DrException exception)
        {
            return (fallback with { Reason = $"{fallback.Reason}; {exception.Message}" }, pass);
        }
        finally
        {
            if (snapshot is not null && _options.Release is { } release)
            {
                await ProgramRunner.ShellAsync($"DR_SNAPSHOT='{snapshot}'; export DR_SNAPSHOT; {release}", OsUser.Root, TimeSpan.FromMinutes(1), CancellationToken.None);
            }
        }
    }

    private Task<PassResult> PassAsync(BlockSource source, SafeFileHandle target, MirrorState state, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var verify = _verify;
        _verify = false;
        var pass = new BlockPass(source, target, state, () => Save(state), _time);
        return Task.Factory.StartNew(() => pass.Run(verify, progress, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void Save(MirrorState state)
    {
        state.Position = _target.SummaryAsync(CancellationToken.None).GetAwaiter().GetResult()?.Appended.Value ?? -1;
        state.Write(_options.StatePath);
    }

    private async Task<MirrorState> StateAsync(BlockSource source, CancellationToken cancellationToken)
    {
        if (_state is { } running && running.SizeBytes == source.SizeBytes)
        {
            return running;
        }

        var volume = await _target.SummaryAsync(cancellationToken);
        if (volume is not null && volume.SizeBytes < source.SizeBytes)
        {
            throw new DrException($"{_options.Source} has {source.SizeBytes} bytes and volume {_options.Volume} only {volume.SizeBytes}.", $"dr-edge volume resize {_options.Volume} --size {source.SizeBytes}B");
        }

        var known = MirrorState.Read(_options.StatePath);
        if (known is null && volume is { Appended.Value: > 0 } && !_options.Overwrite)
        {
            throw new DrException($"Volume {_options.Volume} was written to already, and not by this mirror.", "Say --overwrite if it is to become equal to the source; its history stays.");
        }

        // What is known holds only for the same source and volume, and if nobody else wrote since.
        var isTrue = known is not null && volume is not null && known.Source == _options.Source && known.SizeBytes == source.SizeBytes && known.Volume == volume.Id.ToString() && known.Position == volume.Appended.Value;
        return _state = isTrue ? known! : new MirrorState(_options.Source, source.SizeBytes, volume?.Id.ToString() ?? "");
    }

    private MirrorRound Round(PassResult pass, PointInfo? point, QuiesceMark mark) => new()
    {
        At = _time.GetUtcNow(), ReadBytes = pass.ReadBytes, ChangedUnits = pass.ChangedUnits, Seconds = pass.Seconds, Point = point?.Id.Value, Consistency = mark.Consistency.ToString(), Reason = mark.Reason,
    };

    private static PassResult Sum(PassResult first, PassResult second) => second with
    {
        ReadBytes = first.ReadBytes + second.ReadBytes, ChangedUnits = first.ChangedUnits + second.ChangedUnits, ComparedChunks = first.ComparedChunks + second.ComparedChunks, Seconds = first.Seconds + second.Seconds,
    };
}

namespace Dr.Edge.Mirroring;

/// <summary>Round after round until it is stopped. A round that fails is told and tried again: the attachment is made anew, because it may be what failed.</summary>
internal sealed class MirrorLoop(MirrorOptions options, MirrorTarget target, Func<IMirror> create, TimeProvider time)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    /// <param name="done">Told after every round.</param>
    /// <param name="failed">Told of every round that failed.</param>
    /// <exception cref="DrException">With <see cref="MirrorOptions.Once"/> the round failed, or the first one could not begin.</exception>
    public async Task RunAsync(Action<MirrorRound> done, Action<DrException> failed, Action<long, long> progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.StateDirectory);
        using var single = Lock();
        IMirror? mirror = null;
        var isFirst = true;
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                var start = time.GetTimestamp();
                var pause = options.Every;
                try
                {
                    if (mirror is null)
                    {
                        await target.AttachAsync(cancellationToken);
                        mirror = create();
                    }

                    done(await mirror.RoundAsync(progress, cancellationToken));
                    isFirst = false;
                }
                catch (DrException exception) when (!options.Once && (!isFirst || exception.IsTransient))
                {
                    failed(exception);
                    mirror = null;
                    pause = Retry;
                }
                catch (IOException exception)
                {
                    var failure = new DrException($"The volume does not take it: {exception.Message}", "Is the appliance there, and the volume writable?", exception);
                    if (options.Once)
                    {
                        throw failure;
                    }

                    failed(failure);
                    mirror = null;
                    pause = Retry;
                }

                if (options.Once)
                {
                    return;
                }

                var left = pause - time.GetElapsedTime(start);
                await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (OperationCanceledException)
        {
            // As it was asked to.
        }
        finally
        {
            await target.DetachAsync();
        }
    }

    private FileStream Lock()
    {
        try
        {
            return new FileStream(Path.Combine(options.StateDirectory, options.Volume + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new DrException($"Another mirror writes volume {options.Volume} already.", $"Stop it first, or use another --state than {options.StateDirectory} for another volume.", exception);
        }
    }
}

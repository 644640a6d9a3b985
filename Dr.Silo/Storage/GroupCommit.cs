using System.Data.Common;
using System.Threading.Channels;

namespace Dr.Silo.Storage;

/// <summary>
/// One writer for a database that can have only one: what is asked for while a commit is under way shares the next one, each piece of work behind a savepoint of its own. So a thousand grains that
/// store at the same time cost a few flushes and no thread that sits waiting for a lock. Every caller hears of its work only after the commit that has it.
/// </summary>
/// <param name="open">A connection, configured.</param>
/// <param name="begin">Begins a transaction with the write lock.</param>
internal sealed class GroupCommit(Func<CancellationToken, Task<DbConnection>> open, Func<DbConnection, DbTransaction> begin)
{
    /// <summary>A commit must not keep its first caller waiting for ever newer ones.</summary>
    private const int MostTogether = 256;

    private const string Savepoint = "work";

    private readonly Channel<Work> _queue = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });
    private int _running;

    public async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        T result = default!;
        var item = new Work(async (connection, transaction) => result = await work(connection, transaction), cancellationToken);
        await _queue.Writer.WriteAsync(item, cancellationToken);
        Wake();
        await item.Done;
        return result;
    }

    /// <summary>The writer lives only while there is something to write: a database has no end that anybody would tell it of.</summary>
    private void Wake()
    {
        if (Interlocked.Exchange(ref _running, 1) == 0)
        {
            _ = Task.Run(RunAsync);
        }
    }

    private async Task RunAsync()
    {
        List<Work> together = [];
        while (true)
        {
            while (together.Count < MostTogether && _queue.Reader.TryRead(out var next))
            {
                together.Add(next);
            }

            if (together.Count > 0)
            {
                await CommitAsync(together);
                together.Clear();
                continue;
            }

            Volatile.Write(ref _running, 0);
            if (!_queue.Reader.TryPeek(out _) || Interlocked.Exchange(ref _running, 1) != 0)
            {
                return;
            }
        }
    }

    private async Task CommitAsync(List<Work> together)
    {
        try
        {
            await using var connection = await open(CancellationToken.None);
            await using var transaction = begin(connection);
            foreach (var work in together)
            {
                await work.RunAsync(connection, transaction, Savepoint);
            }

            await transaction.CommitAsync(CancellationToken.None);
        }
        catch (Exception exception)
        {
            // Nothing of it is stored, whoever's work it was.
            together.ForEach(work => work.Fail(exception));
            return;
        }

        together.ForEach(work => work.End());
    }

    private sealed class Work(Func<DbConnection, DbTransaction, Task> act, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _failure;

        public Task Done => _done.Task;

        /// <summary>A failure undoes this work alone; one that the savepoint does not survive (the disk is full) ends the whole transaction.</summary>
        public async Task RunAsync(DbConnection connection, DbTransaction transaction, string savepoint)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _failure = new OperationCanceledException(cancellationToken);
                return;
            }

            await transaction.SaveAsync(savepoint, CancellationToken.None);
            try
            {
                await act(connection, transaction);
            }
            catch (Exception exception)
            {
                _failure = exception;
                await transaction.RollbackAsync(savepoint, CancellationToken.None);
            }

            await transaction.ReleaseAsync(savepoint, CancellationToken.None);
        }

        public void End()
        {
            if (_failure is null)
            {
                _done.TrySetResult();
            }
            else
            {
                Fail(_failure);
            }
        }

        public void Fail(Exception exception)
        {
            if ((_failure ?? exception) is OperationCanceledException canceled)
            {
                _done.TrySetCanceled(canceled.CancellationToken);
            }
            else
            {
                _done.TrySetException(_failure ?? exception);
            }
        }
    }
}

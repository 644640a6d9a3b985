using Dr.Silo.Hosting;

namespace Dr.Silo.Access;

/// <summary>While sign-in is required and nobody can sign in, leaves a one-time token in a file that only this user can read; it makes the first administrator.</summary>
internal sealed partial class FirstAdminService(AccessStore store, AccessOptions access, SiloOptions silo, ILogger<FirstAdminService> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var needed = access.RequireSignIn || !silo.IsLoopbackOnly;
        if (!needed || await store.HasUsersAsync(cancellationToken) || await IsThereAsync(cancellationToken))
        {
            return;
        }

        var token = AccessToken.New();
        await store.AddTokenAsync(token, CallerKind.Setup, "", Role.Admin, "first administrator", AccessLimits.SetupLife, cancellationToken);
        if (access.FirstAdminFile is { } file)
        {
            await WriteAsync(file, token.ToString(), cancellationToken);
            LogWritten(file, AccessLimits.SetupLife);
        }
        else
        {
            // Not through the log: that may go to places where a secret should not.
            await Console.Error.WriteLineAsync($"One-time token for the first administrator (dr-silo users first NAME): {token}");
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A file whose first byte is readable by nobody else at any moment.</summary>
    internal static async Task WriteAsync(string path, string text, CancellationToken cancellationToken)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var stream = new FileStream(path, options);
        await using var writer = new StreamWriter(stream);
        await writer.WriteLineAsync(text.AsMemory(), cancellationToken);
    }

    private async Task<bool> IsThereAsync(CancellationToken cancellationToken) =>
        access.FirstAdminFile is { } file && File.Exists(file)
        && AccessToken.TryParse((await File.ReadAllTextAsync(file, cancellationToken)).Trim(), out var token)
        && await store.FindAsync(token, cancellationToken) is { Token.Kind: CallerKind.Setup };

    [LoggerMessage(3802, LogLevel.Warning, "Nobody can sign in yet: {File} has a one-time token for the first administrator, good for {Life}")]
    private partial void LogWritten(string file, TimeSpan life);
}

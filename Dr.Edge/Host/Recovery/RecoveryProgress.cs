using Dr.Edge.Cli;

namespace Dr.Edge.Host.Recovery;

/// <summary>Shows on standard error each step that is done, and on a terminal how far the copying is.</summary>
internal static class RecoveryProgress
{
    private const double MiB = 1 << 20;

    public static async Task<T> RunAsync<T>(CommandContext context, string path, object? request)
    {
        var isLineOpen = false;
        try
        {
            return await context.Client.StreamAsync<T>(HttpMethod.Post, path, request, line =>
            {
                if (context.Json || line.Step is not { } step)
                {
                    return;
                }

                if (line.TotalBytes > 0)
                {
                    if (!Console.IsErrorRedirected)
                    {
                        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{step.TrimEnd(' ', '…')}: {line.DoneBytes / MiB:0.0} of about {line.TotalBytes / MiB:0.0} MiB "));
                        isLineOpen = true;
                    }
                }
                else if (!step.EndsWith('…'))
                {
                    Console.Error.WriteLine(isLineOpen ? $"\r{step}          " : step);
                    isLineOpen = false;
                }
            }, context.CancellationToken);
        }
        finally
        {
            if (isLineOpen)
            {
                Console.Error.WriteLine();
            }
        }
    }
}

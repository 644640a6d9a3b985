using System.Net.Sockets;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <summary>One listening socket, TCP or Unix, and the loop that accepts on it.</summary>
internal sealed partial class NbdListener : IDisposable
{
    // Long enough for descriptors to come free, short enough for a person who waits.
    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly string? _path;
    private readonly ILogger _logger;

    private NbdListener(Socket socket, string? path, ILogger logger) => (_socket, _path, _logger) = (socket, path, logger);

    /// <summary>Where clients reach it, with the real port.</summary>
    public string Address => _path ?? _socket.LocalEndPoint!.ToString()!;

    public EndPoint EndPoint => _socket.LocalEndPoint!;

    public static async Task<NbdListener> ListenTcpAsync(string address, ILogger logger, CancellationToken cancellationToken)
    {
        var endPoint = await ResolveAsync(address, cancellationToken);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        return Listen(socket, endPoint, path: null, address, logger);
    }

    public static NbdListener ListenUnix(string path, ILogger logger)
    {
        RemoveStale(path);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var listener = Listen(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), new UnixDomainSocketEndPoint(path), path, path, logger);

        if (!OperatingSystem.IsWindows())
        {
            // Whoever may connect may write the volumes.
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        }

        return listener;
    }

    /// <summary>Hands every client to <paramref name="accepted"/> until disposed. Passing trouble (no descriptors left) is waited out, and so is trouble with one client.</summary>
    public async Task RunAsync(Action<Socket> accepted, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                accepted(await _socket.AcceptAsync(cancellationToken));
            }
            catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it is, met by one client: a loop that ended here would leave the volumes served and nobody let in.
                LogAcceptFailed(exception, Address);
                await Task.Delay(AcceptRetry, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        if (_path is not null)
        {
            File.Delete(_path);
        }
    }

    private static NbdListener Listen(Socket socket, EndPoint endPoint, string? path, string address, ILogger logger)
    {
        try
        {
            socket.Bind(endPoint);
            socket.Listen(NbdLimits.Backlog);
            return new NbdListener(socket, path, logger);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new DrException($"Cannot listen for NBD clients on {address}: {exception.Message}.", "Choose a free address with --nbd or --nbd-socket.", exception);
        }
    }

    /// <summary>A socket file outlives a killed process. It may go only when nobody answers on it.</summary>
    private static void RemoveStale(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        catch (SocketException exception)
        {
            throw new DrException($"Cannot use {path} for NBD clients: {exception.Message}.", "Choose another path with --nbd-socket, or remove the file.", exception);
        }

        throw new DrException($"Another process serves NBD clients on {path}.", "Stop it, or choose another path with --nbd-socket.");
    }

    private static async Task<IPEndPoint> ResolveAsync(string address, CancellationToken cancellationToken)
    {
        if (IPEndPoint.TryParse(address, out var endPoint) && address.Contains(':', StringComparison.Ordinal))
        {
            return endPoint;
        }

        var colon = address.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            try
            {
                return new IPEndPoint((await Dns.GetHostAddressesAsync(address[..colon], cancellationToken))[0], port);
            }
            catch (SocketException exception)
            {
                throw new DrException($"The host in '{address}' cannot be found: {exception.Message}.", "Give an address of this machine as HOST:PORT.", exception);
            }
        }

        throw new DrException($"'{address}' is not HOST:PORT.", "For example 127.0.0.1:10809.");
    }

    [LoggerMessage(1221, LogLevel.Warning, "Accepting NBD clients on {Address} failed; trying again")]
    private partial void LogAcceptFailed(Exception exception, string address);
}

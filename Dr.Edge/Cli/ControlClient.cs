using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Dr.Edge.Cli;

/// <summary>Talks to a running <c>dr-edge</c> over its control socket. Refusals and failures come back as <see cref="DrException"/> with the server's sentence and hint.</summary>
internal sealed class ControlClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _socketPath;

    public ControlClient(string socketPath)
    {
        socketPath = Path.GetFullPath(socketPath);
        _socketPath = socketPath;
        var handler = new SocketsHttpHandler
        {
            ResponseDrainTimeout = TimeSpan.Zero, // Who stops listening to long work wants it to end, and not to be heard out.
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://dr-edge/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Get, path, null, cancellationToken);

    public Task<T> PostAsync<T>(string path, object? body, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Post, path, body, cancellationToken);

    public Task<T> DeleteAsync<T>(string path, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Delete, path, null, cancellationToken);

    public async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var response = await RequestAsync(method, path, body, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<T>(ControlJson.Compact, cancellationToken))!;
    }

    /// <summary>A long operation: calls <paramref name="onProgress"/> for every line, returns the result of the last.</summary>
    public async Task<T> StreamAsync<T>(HttpMethod method, string path, object? body, Action<ControlProgress> onProgress, CancellationToken cancellationToken)
    {
        using var response = await RequestAsync(method, path, body, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var reader = new StreamReader(stream);
        while (await ReadLineAsync(reader, cancellationToken) is { } line)
        {
            var progress = JsonSerializer.Deserialize<ControlProgress>(line, ControlJson.Compact)!;
            if (progress.Error is { } error)
            {
                throw new DrException(error.Message, error.Hint);
            }

            if (progress.Result is { } result)
            {
                return result.Deserialize<T>(ControlJson.Compact)!;
            }

            onProgress(progress);
        }

        throw Ended(null);
    }

    private static async Task<string?> ReadLineAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            throw Ended(exception);
        }
    }

    private static DrException Ended(Exception? inner) => new("dr-edge ended before it answered.", "Look at its log; when it runs again, repeat the command: long work goes on where it stopped.", inner);

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> RequestAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = JsonContent.Create(body, body.GetType(), options: ControlJson.Compact);
        }

        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException exception) when (exception.InnerException is IOException)
        {
            throw Ended(exception);
        }
        catch (HttpRequestException exception)
        {
            throw new DrException(
                $"No dr-edge answers at {_socketPath}: {exception.InnerException?.Message ?? exception.Message}.",
                "Start it with 'dr-edge run', or say where its socket is with --control.",
                exception);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await ReadErrorAsync(response, cancellationToken);
        }
    }

    private static async Task<DrException> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            if (await response.Content.ReadFromJsonAsync<ControlError>(ControlJson.Compact, cancellationToken) is { Message: not null } error)
            {
                return new DrException(error.Message, error.Hint);
            }
        }
        catch (JsonException)
        {
            // Not one of ours (a missing route, say): the status is all there is to tell.
        }

        return new DrException($"dr-edge answered {(int)response.StatusCode} {response.ReasonPhrase}.", "Is it the same version as this command?");
    }
}

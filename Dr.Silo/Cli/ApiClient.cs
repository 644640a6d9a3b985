using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Dr.Silo.Cli;

/// <summary>The admin API as the client commands use it; problem details become one sentence and a hint.</summary>
internal sealed class ApiClient : IDisposable
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly HttpClient _http;
    private readonly string _server;

    public ApiClient(string server)
    {
        _server = server;
        if (!Uri.TryCreate(server.Contains("://", StringComparison.Ordinal) ? server : $"http://{server}", UriKind.Absolute, out var address))
        {
            throw new Contracts.Cli.UsageException($"--server: '{server}' is not an address.", "Write HOST:PORT or a URL.");
        }

        _http = new HttpClient { BaseAddress = new Uri(address, "/api/v1/"), Timeout = TimeSpan.FromSeconds(20) };
    }

    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("application/json");
        return await SendAsync<T>(request, cancellationToken);
    }

    public async Task<T> PostAsync<T>(string path, object body, Epoch? seen, string? key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, options: Json) };
        if (seen is { } epoch)
        {
            request.Headers.TryAddWithoutValidation("If-Match", epoch.ToString());
        }

        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        return await SendAsync<T>(request, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> SendAsync<T>(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            return response.IsSuccessStatusCode
                ? await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken) ?? throw new DrException($"{_server} answered nothing.")
                : throw await ReadProblemAsync(response, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new DrException($"dr-silo at {_server} cannot be reached: {exception.Message}", "Start it with 'dr-silo run', or name it with --server HOST:PORT.", exception);
        }
        catch (TaskCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DrException($"dr-silo at {_server} did not answer within {_http.Timeout.TotalSeconds:0} s.", "Look at /healthz; try again with the same --key.", exception);
        }
    }

    private static async Task<DrException> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            var unmet = Texts(problem?["unmetGuards"]);
            var next = Texts(problem?["nextActions"]);
            return new DrException($"{problem?["title"]} {problem?["detail"]}{string.Concat(unmet.Select(u => $"\n  unmet: {u}"))}".Trim(), next.Count == 0 ? null : string.Join(' ', next));
        }
        catch (JsonException exception)
        {
            return new DrException($"The control plane answered {(int)response.StatusCode} {response.ReasonPhrase}.", "Is this the address of a dr-silo?", exception);
        }
    }

    private static List<string> Texts(JsonNode? list) => list?.AsArray().Select(item => item?.ToString()).OfType<string>().ToList() ?? [];
}

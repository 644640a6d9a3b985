using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Dr.Contracts.Cli;

namespace Dr.Silo.Cli;

/// <summary>The admin API as the client commands use it; problem details become one sentence and a hint.</summary>
internal sealed class ApiClient : IDisposable
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,

        // What is null is left out by the server, and a server of another version may leave out more: neither is an error here.
        TypeInfoResolver = new DefaultJsonTypeInfoResolver
        {
            Modifiers =
            {
                static type =>
                {
                    foreach (var property in type.Properties)
                    {
                        property.IsRequired = false;
                    }
                },
            },
        },
    };

    private readonly HttpClient _http;
    private readonly string _server;

    public ApiClient(string server, string? token = null, string? authority = null)
    {
        _server = server;
        if (!Uri.TryCreate(server.Contains("://", StringComparison.Ordinal) ? server : $"http://{server}", UriKind.Absolute, out var address))
        {
            throw new UsageException($"--server: '{server}' is not an address.", "Write HOST:PORT or a URL.");
        }

        var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false };
        if (authority is not null)
        {
            handler.SslOptions = TrustOnly(authority);
        }

        _http = new HttpClient(handler) { BaseAddress = new Uri(address, "/api/v1/"), Timeout = TimeSpan.FromSeconds(20) };
        IsPlainAcrossTheNetwork = address is { Scheme: "http", IsLoopback: false };
        if (token is not null)
        {
            if (IsPlainAcrossTheNetwork)
            {
                throw new UsageException($"The token is not sent to {server} without TLS.", "Use https://, or a tunnel to the machine itself.");
            }

            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>Somebody is signed in: the server knows who orders.</summary>
    public bool HasToken => _http.DefaultRequestHeaders.Authorization is not null;

    public bool IsPlainAcrossTheNetwork { get; }

    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync<T>(request, cancellationToken);
    }

    /// <summary>All pages of a list, up to <paramref name="limit"/> items.</summary>
    public async Task<IReadOnlyList<T>> GetListAsync<T>(string path, int limit, CancellationToken cancellationToken)
    {
        List<T> all = [];
        for (string? next = path; next is not null && all.Count < limit;)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, next);
            using var response = await SendAsync(request, cancellationToken);
            all.AddRange(await response.Content.ReadFromJsonAsync<List<T>>(Json, cancellationToken) ?? []);
            next = response.Headers.TryGetValues("Link", out var links) && links.FirstOrDefault(l => l.Contains("rel=\"next\"", StringComparison.Ordinal)) is { } link ? link[(link.IndexOf('<', StringComparison.Ordinal) + 1)..link.IndexOf('>', StringComparison.Ordinal)] : null;
        }

        return all.Count > limit ? all[..limit] : all;
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

    /// <summary>A change that answers nothing.</summary>
    public async Task ChangeAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, options: Json) };
        using var response = await SendAsync(request, cancellationToken);
    }

    public async Task<T> ChangeAsync<T>(HttpMethod method, string path, object body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body, options: Json) };
        return await SendAsync<T>(request, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The one certificate authority that the server's certificate has to come from.</summary>
    private static SslClientAuthenticationOptions TrustOnly(string authority)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(authority);
        }
        catch (Exception e) when (e is IOException or System.Security.Cryptography.CryptographicException)
        {
            throw new UsageException($"--ca: {authority} cannot be used: {e.Message}", "Name a PEM file with the authority's certificate.");
        }

        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(roots);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }

    private async Task<T> SendAsync<T>(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(request, cancellationToken);
        return await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken) ?? throw new DrException($"{_server} answered nothing.");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Accept.ParseAdd("application/json");
        HttpResponseMessage? response = null;
        try
        {
            response = await _http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                throw await ReadProblemAsync(response, cancellationToken);
            }

            var answer = response;
            response = null;
            return answer;
        }
        catch (HttpRequestException exception)
        {
            throw new DrException($"dr-silo at {_server} cannot be reached: {exception.InnerException?.Message ?? exception.Message}", "Start it with 'dr-silo run', or name it with --server HOST:PORT.", exception);
        }
        catch (TaskCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DrException($"dr-silo at {_server} did not answer within {_http.Timeout.TotalSeconds:0} s.", "Look at /healthz; try again with the same --key.", exception);
        }
        finally
        {
            response?.Dispose();
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

using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dr.Contracts.Grains;

namespace Dr.Simulator.Live.World;

/// <summary>The admin API, through whichever silo answers.</summary>
internal sealed class ControlPlane(IReadOnlyList<HttpClient> silos) : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    /// <summary>Null when no silo answers in time.</summary>
    public Task<List<SystemView>?> SystemsAsync(CancellationToken cancellationToken) => GetAsync<List<SystemView>>("systems", cancellationToken);

    public Task<RunView?> RunAsync(string id, CancellationToken cancellationToken) => GetAsync<RunView>($"runs/{id}", cancellationToken);

    public Task<List<RunView>?> RunsAsync(CancellationToken cancellationToken) => GetAsync<List<RunView>>("runs?limit=200", cancellationToken);

    /// <summary>Orders a run for a system seen in this epoch; null when it was taken, else what was said.</summary>
    public Task<string?> OrderAsync(SystemView seen, string kind, string reason, CancellationToken cancellationToken) =>
        PostAsync("runs", new { system = seen.Id.Value, kind, actor = "dr-sim live", reason }, seen.Epoch.Value, $"live-{seen.Id}-{kind}-{seen.Epoch}", cancellationToken);

    /// <summary>A person's word to a run: <c>commit</c>, <c>approve</c>, <c>retry</c>.</summary>
    public Task<string?> DecideAsync(string run, string verb, string reason, CancellationToken cancellationToken) =>
        PostAsync($"runs/{run}/{verb}", new { actor = "dr-sim live", reason }, null, null, cancellationToken);

    public void Dispose()
    {
        foreach (var silo in silos)
        {
            silo.Dispose();
        }
    }

    private async Task<T?> GetAsync<T>(string path, CancellationToken cancellationToken)
        where T : class
    {
        foreach (var silo in silos)
        {
            try
            {
                return await silo.GetFromJsonAsync<T>(path, Json, cancellationToken);
            }
            catch (Exception exception) when (exception is HttpRequestException or JsonException or IOException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // The next one may answer.
            }
        }

        return null;
    }

    private async Task<string?> PostAsync(string path, object body, long? seenEpoch, string? key, CancellationToken cancellationToken)
    {
        var said = "no silo answers";
        foreach (var silo in silos)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
                if (seenEpoch is { } epoch)
                {
                    request.Headers.TryAddWithoutValidation("If-Match", $"\"{epoch.ToString(CultureInfo.InvariantCulture)}\"");
                }

                if (key is not null)
                {
                    request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
                }

                using var response = await silo.SendAsync(request, cancellationToken);
                if (response.IsSuccessStatusCode)
                {
                    return null;
                }

                said = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}";
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                said = exception.Message;
            }
        }

        return said;
    }
}

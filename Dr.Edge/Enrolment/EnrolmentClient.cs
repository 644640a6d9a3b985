using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dr.Contracts.Enrolment;
using Dr.Contracts.Tls;

namespace Dr.Edge.Enrolment;

/// <summary>A control plane's certificate authority over HTTPS. Secrets are only sent to one that is proven to be the right one, or over loopback.</summary>
internal sealed class EnrolmentClient : IDisposable
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http;
    private readonly string _silo;

    /// <param name="trusted">CAs that the control plane's certificate may come from, beside the system's; null: it is not checked, for a question whose answer is checked otherwise.</param>
    /// <param name="allowPlain">Take plain HTTP across a network, which whoever is on the way can read and change.</param>
    public EnrolmentClient(string silo, X509Certificate2Collection? trusted, TimeProvider time, bool allowPlain = false)
    {
        if (!Uri.TryCreate(silo.Contains("://", StringComparison.Ordinal) ? silo : $"https://{silo}", UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
        {
            throw new UsageException($"--silo: '{silo}' is not the address of a control plane.", "Write it as https://HOST:PORT.");
        }

        if (address is { Scheme: "http", IsLoopback: false } && !allowPlain)
        {
            throw new UsageException($"The token is not sent to {silo} without TLS.", "Use https://, or say --insecure-http if the network is your own.");
        }

        _silo = address.GetLeftPart(UriPartial.Authority);
        var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, chain, errors) => trusted is null || errors == SslPolicyErrors.None
            || ((errors & SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None && shown is X509Certificate2 certificate
                && CertificateCheck.FindProblem(certificate, chain?.ChainPolicy.ExtraStore ?? [], trusted, CertificateCheck.ServerPurpose, time.GetUtcNow()) is null);
        _http = new HttpClient(handler) { BaseAddress = new Uri($"{_silo}/api/v1/ca"), Timeout = Within };
    }

    public Task<AuthorityView> AuthorityAsync(CancellationToken cancellationToken) => SendAsync<object, AuthorityView>(HttpMethod.Get, "", null, null, EnrolmentJson.Default.AuthorityView, cancellationToken);

    public Task<Enrolled> EnrolAsync(EnrolBody body, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, "/enrolments", body, EnrolmentJson.Default.EnrolBody, EnrolmentJson.Default.Enrolled, cancellationToken);

    public Task<Enrolled> RenewAsync(RenewBody body, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, "/renewals", body, EnrolmentJson.Default.RenewBody, EnrolmentJson.Default.Enrolled, cancellationToken);

    /// <summary>The newest revocation list and its tag; null while it is the one of <paramref name="tag"/>.</summary>
    public async Task<(RevocationListView List, string? Tag)?> ListAsync(string? tag, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{_http.BaseAddress}/crl"));
        if (tag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }

        using var response = await AskAsync(request, cancellationToken);
        return response.StatusCode == HttpStatusCode.NotModified
            ? null
            : ((await response.Content.ReadFromJsonAsync(EnrolmentJson.Default.RevocationListView, cancellationToken))!, response.Headers.ETag?.ToString());
    }

    /// <summary>A PKCS#10 request in PEM for <paramref name="key"/>; the control plane takes nothing from it but the key.</summary>
    public static string RequestFor(ECDsa key, string name) => new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();

    public void Dispose() => _http.Dispose();

    private async Task<TAnswer> SendAsync<TBody, TAnswer>(HttpMethod method, string path, TBody? body, JsonTypeInfo<TBody>? bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri($"{_http.BaseAddress}{path}")) { Content = body is null ? null : JsonContent.Create(body, bodyType!) };
        using var response = await AskAsync(request, cancellationToken);
        try
        {
            return (await response.Content.ReadFromJsonAsync(answerType, cancellationToken))!;
        }
        catch (JsonException exception)
        {
            throw new DrException($"{_silo} answered something else.", "Is this the address of a dr-silo?", exception, isTransient: true);
        }
    }

    private async Task<HttpResponseMessage> AskAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new DrException(
                $"The control plane {_silo} cannot be reached: {exception.InnerException?.Message ?? exception.Message}", "Check the address, that dr-silo runs, and that its certificate is of the CA of the token or of one named with --ca.", exception, isTransient: true);
        }
        catch (TaskCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DrException($"The control plane {_silo} did not answer within {Within.TotalSeconds:0} s.", "Try again: the same token works until an answer came.", exception, isTransient: true);
        }

        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotModified)
        {
            return response;
        }

        using (response)
        {
            throw await RefusalAsync(response, cancellationToken);
        }
    }

    private async Task<DrException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var isTransient = (int)response.StatusCode >= 500 || response.StatusCode == HttpStatusCode.TooManyRequests;
        try
        {
            using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            var root = problem.RootElement;
            var next = root.TryGetProperty("nextActions", out var actions) ? string.Join(' ', actions.EnumerateArray().Select(a => a.GetString())) : null;
            return new DrException($"The control plane {_silo} refuses: {root.GetProperty("title").GetString()} {root.GetProperty("detail").GetString()}", next, isTransient: isTransient);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new DrException($"The control plane {_silo} answered {(int)response.StatusCode}.", "Is this the address of a dr-silo of this version?", exception, isTransient);
        }
    }
}

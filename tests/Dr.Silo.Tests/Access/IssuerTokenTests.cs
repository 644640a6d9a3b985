using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using Dr.Silo.Access;
using Dr.Silo.Tests.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Dr.Silo.Tests.Access;

/// <summary>Tokens of an OpenID Connect issuer that really answers, with a key of its own.</summary>
public sealed class IssuerTokenTests : IAsyncLifetime
{
    private const string Audience = "dr";

    private readonly RSA _key = RSA.Create(2048);
    private readonly int _port = FreePorts.Next();
    private WebApplication _issuer = null!;
    private Silo _silo = null!;

    private string Authority => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}");

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port));
        _issuer = builder.Build();
        _issuer.MapGet("/.well-known/openid-configuration", () => Results.Json(new { issuer = Authority, jwks_uri = $"{Authority}/keys" }));
        var jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_key.ExportParameters(false)) { KeyId = "k1" });
        _issuer.MapGet("/keys", () => Results.Json(new { keys = new[] { new { kty = "RSA", use = "sig", kid = "k1", n = jwk.N, e = jwk.E } } }));
        await _issuer.StartAsync();
        _silo = new Silo(Authority);
        await _silo.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _issuer.DisposeAsync();
        _key.Dispose();
    }

    [Fact]
    public async Task A_token_of_the_issuer_is_its_subject_with_the_role_that_it_names()
    {
        using var answer = await GetAsync(Token(_key));
        var me = await answer.Content.ReadFromJsonAsync<JsonElement>();
        (me.GetProperty("name").GetString(), me.GetProperty("role").GetString(), me.GetProperty("kind").GetString()).ShouldBe(($"ann@{Authority}", "Commander", "Issuer"));

        using var other = RSA.Create(2048);
        (await GetAsync(Token(other))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "signed by somebody else");
        (await GetAsync(Token(_key, audience: "shop"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "made for another service");
        (await GetAsync(Token(_key, age: TimeSpan.FromHours(2)))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "expired");
        (await GetAsync(Token(_key, role: "boss"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "no role of ours");
    }

    private async Task<HttpResponseMessage> GetAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/me");
        request.Headers.Authorization = new("Bearer", token);
        return await _silo.Http.SendAsync(request);
    }

    private string Token(RSA key, string audience = Audience, string role = "commander", TimeSpan age = default)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime - age;
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Authority,
            Audience = audience,
            NotBefore = now,
            IssuedAt = now,
            Expires = now.AddHours(1),
            Subject = new ClaimsIdentity([new Claim("sub", "ann"), new Claim("dr_role", role)]),
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(key) { KeyId = "k1" }, SecurityAlgorithms.RsaSha256),
        });
    }

    private sealed class Silo(string authority) : ApiFixture
    {
        private protected override AccessOptions Access => new() { RequireSignIn = true, JwtAuthority = authority, JwtAudience = Audience };
    }
}

using System.Net;
using System.Net.Http.Json;
using Dr.Silo.Tests.Api;

namespace Dr.Silo.Tests.Access;

/// <summary>Without options and users, whoever is on this machine administers it; nobody else, and not a page that leads a browser here.</summary>
public sealed class LocalCallerTests : IAsyncLifetime
{
    private readonly ApiFixture _silo = new();

    public ValueTask InitializeAsync() => _silo.InitializeAsync();

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    [Fact]
    public async Task This_machine_is_let_in_until_there_is_a_user()
    {
        (await GetAsync()).ShouldBe(HttpStatusCode.OK);
        (await GetAsync(r => r.Headers.Host = "evil.example")).ShouldBe(HttpStatusCode.Unauthorized, "a foreign name that resolves to this machine");
        (await GetAsync(r => r.Headers.TryAddWithoutValidation("X-Forwarded-For", "203.0.113.7"))).ShouldBe(HttpStatusCode.Unauthorized, "a proxy speaks for somebody else");
        (await GetAsync(r => r.Headers.TryAddWithoutValidation("Authorization", "Bearer nonsense"))).ShouldBe(HttpStatusCode.Unauthorized, "a wrong token is not overlooked");
        (await PostUserAsync(r => r.Headers.TryAddWithoutValidation("Origin", "http://evil.example"))).ShouldBe(HttpStatusCode.Forbidden);

        using var force = await _silo.Http.PostAsJsonAsync("/api/v1/systems/dilas/force", new { reason = "gone", statement = "I saw it" });
        force.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await force.Content.ReadAsStringAsync()).ShouldContain("two people");

        (await PostUserAsync()).ShouldBe(HttpStatusCode.Created);
        (await GetAsync()).ShouldBe(HttpStatusCode.Unauthorized, "now everybody signs in");
    }

    private async Task<HttpStatusCode> GetAsync(Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/systems");
        change?.Invoke(request);
        return (await _silo.Http.SendAsync(request)).StatusCode;
    }

    private async Task<HttpStatusCode> PostUserAsync(Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/users") { Content = JsonContent.Create(new { name = "ann", role = "admin", password = "correct horse battery" }) };
        change?.Invoke(request);
        return (await _silo.Http.SendAsync(request)).StatusCode;
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Text.Json;
using Dr.Silo.Access;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Access;

/// <summary>Signing in over HTTP, from the first administrator on.</summary>
public sealed class SignInTests : IAsyncLifetime
{
    private const string Password = "correct horse battery";

    private readonly SignInFixture _silo = new();

    public ValueTask InitializeAsync() => _silo.InitializeAsync();

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    [Fact, UnsupportedOSPlatform("windows")]
    public async Task The_one_time_token_makes_the_first_administrator_once_and_nothing_else()
    {
        (File.GetUnixFileMode(_silo.FirstAdminFile) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)).ShouldBe(default);
        var setup = (await File.ReadAllTextAsync(_silo.FirstAdminFile)).Trim();

        (await _silo.SendAsync(HttpMethod.Get, "/api/v1/systems", setup)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await AddUserAsync(setup, "viewer", Password)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await AddUserAsync(setup, "admin", Password)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await AddUserAsync(setup, "admin", Password, "second")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        var token = await LoginAsync(Password);
        var me = await (await _silo.SendAsync(HttpMethod.Get, "/api/v1/me", token)).Content.ReadFromJsonAsync<JsonElement>();
        (me.GetProperty("name").GetString(), me.GetProperty("role").GetString()).ShouldBe(("ann", "Admin"));

        // Disabled, changed and revoked count at once; the last administrator stays one.
        (await PatchAsync(token, "ann", new { disabled = true })).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await AddUserAsync(token, "operator", Password, "bob")).StatusCode.ShouldBe(HttpStatusCode.Created);
        var bob = await LoginAsync(Password, "bob");
        (await _silo.SendAsync(HttpMethod.Get, "/api/v1/users", bob)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await PatchAsync(token, "bob", new { role = "admin" })).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _silo.SendAsync(HttpMethod.Get, "/api/v1/users", bob)).StatusCode.ShouldBe(HttpStatusCode.Forbidden, "the token is an operator's still");
        (await PatchAsync(token, "bob", new { disabled = true })).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _silo.SendAsync(HttpMethod.Get, "/api/v1/me", bob)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _silo.SendAsync(HttpMethod.Post, "/api/v1/sign-out", token)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _silo.SendAsync(HttpMethod.Get, "/api/v1/me", token)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_session_changes_nothing_without_its_key_and_nothing_for_a_page_of_another_origin()
    {
        await MakeAsync("cat", Role.Operator);
        using var login = await SignInAsync("cat", Password, session: true);
        var cookie = login.Headers.GetValues("Set-Cookie").Single();
        cookie.ShouldContain("httponly");
        cookie.ShouldContain("samesite=strict");
        (await login.Content.ReadAsStringAsync()).ShouldNotContain("dr_");
        var pair = cookie.Split(';')[0];
        AccessToken.TryParse(pair[(pair.IndexOf('=') + 1)..], out var session).ShouldBeTrue();

        async Task<HttpStatusCode> PostAsync(string? key, string? origin, string? site)
        {
            using var answer = await _silo.SendAsync(HttpMethod.Post, "/api/v1/runs/none/stop", null, JsonContent.Create(new { }), request =>
            {
                request.Headers.Add("Cookie", pair);
                Add(request, ForgeryGuard.Header, key);
                Add(request, "Origin", origin);
                Add(request, "Sec-Fetch-Site", site);
            });
            return answer.StatusCode;
        }

        var own = _silo.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);
        (await PostAsync(null, own, "same-origin")).ShouldBe(HttpStatusCode.Forbidden);
        (await PostAsync("0123", own, "same-origin")).ShouldBe(HttpStatusCode.Forbidden);
        (await PostAsync(session.ForgeryKey(), "http://evil.example", null)).ShouldBe(HttpStatusCode.Forbidden);
        (await PostAsync(session.ForgeryKey(), own, "cross-site")).ShouldBe(HttpStatusCode.Forbidden);
        (await PostAsync(session.ForgeryKey(), own, "same-origin")).ShouldBe(HttpStatusCode.NotFound, "let through: there is no such run");
    }

    [Fact]
    public async Task Guessing_is_stopped_and_says_when_to_come_back()
    {
        await MakeAsync("dora", Role.Viewer);
        for (var i = 0; i < AccessLimits.FailuresPerName; i++)
        {
            (await SignInAsync("dora", "wrong", session: false)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        using var stopped = await SignInAsync("dora", Password, session: false);
        stopped.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        stopped.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.FromMinutes(4));
    }

    [Fact]
    public async Task Nobody_orders_in_somebody_elses_name()
    {
        var token = await _silo.TokenAsync(Role.Operator);
        using var answer = await _silo.SendAsync(HttpMethod.Post, "/api/v1/runs/none/stop", token, JsonContent.Create(new { actor = "the boss" }));

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_token_makes_none_that_may_do_more_than_itself()
    {
        var store = _silo.Services.GetRequiredService<AccessStore>();
        await store.AddUserAsync("eve", Role.Commander, null, "test", null, CancellationToken.None);
        var weak = AccessToken.New();
        await store.AddTokenAsync(weak, CallerKind.Token, "eve", Role.Viewer, "", TimeSpan.FromHours(1), CancellationToken.None);

        (await _silo.SendAsync(HttpMethod.Post, "/api/v1/tokens", weak.ToString(), JsonContent.Create(new { role = "commander" }))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var made = await _silo.SendAsync(HttpMethod.Post, "/api/v1/tokens", weak.ToString(), JsonContent.Create(new { expires = "1d" }));
        (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("role").GetString().ShouldBe("Viewer");
        (await _silo.SendAsync(HttpMethod.Post, "/api/v1/tokens", weak.ToString(), JsonContent.Create(new { user = "ann" }))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await _silo.SendAsync(HttpMethod.Get, "/api/v1/me", $"dr_{weak.Id}_{AccessToken.New().Secret}")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static void Add(HttpRequestMessage request, string name, string? value)
    {
        if (value is not null)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    private Task<bool> MakeAsync(string name, Role role) =>
        _silo.Services.GetRequiredService<AccessStore>().AddUserAsync(name, role, PasswordHash.Make(Password), "test", null, CancellationToken.None);

    private Task<HttpResponseMessage> AddUserAsync(string token, string role, string password, string name = "ann") =>
        _silo.SendAsync(HttpMethod.Post, "/api/v1/users", token, JsonContent.Create(new { name, role, password }));

    private Task<HttpResponseMessage> PatchAsync(string token, string name, object body) => _silo.SendAsync(HttpMethod.Patch, $"/api/v1/users/{name}", token, JsonContent.Create(body));

    private Task<HttpResponseMessage> SignInAsync(string name, string password, bool session) =>
        _silo.SendAsync(HttpMethod.Post, "/api/v1/sign-in", null, JsonContent.Create(new { name, password, session }));

    private async Task<string> LoginAsync(string password, string name = "ann")
    {
        using var answer = await SignInAsync(name, password, session: false);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
    }
}

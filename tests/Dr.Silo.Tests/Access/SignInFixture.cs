using System.Net.Http.Headers;
using Dr.Silo.Access;
using Dr.Silo.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Access;

/// <summary>The whole silo with sign-in required, and callers of every role by token.</summary>
public sealed class SignInFixture : ApiFixture
{
    public string FirstAdminFile => Path.Combine(Directory, "first-admin.token");

    private protected override AccessOptions Access => new() { RequireSignIn = true };

    /// <summary>A fresh token of a user who has this role; null = nobody.</summary>
    internal async Task<string?> TokenAsync(Role? role)
    {
        if (role is not { } wanted)
        {
            return null;
        }

        var store = Services.GetRequiredService<AccessStore>();
        var name = $"a-{wanted}".ToLowerInvariant();
        await store.AddUserAsync(name, wanted, null, "test", null, CancellationToken.None);
        var token = AccessToken.New();
        (await store.AddTokenAsync(token, CallerKind.Token, name, wanted, "test", TimeSpan.FromHours(1), CancellationToken.None)).ShouldNotBeNull();
        return token.ToString();
    }

    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? token, HttpContent? content = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        change?.Invoke(request);
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}

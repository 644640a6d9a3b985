using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Dr.Silo.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Silo.Tests.Access;

/// <summary>Every route with every role, and with nobody. The table is complete: a route that is not in it fails the first test.</summary>
public sealed partial class RouteRolesTests(SignInFixture silo) : IClassFixture<SignInFixture>
{
    private const string Anybody = "anybody";

    /// <summary>Method and path to the least role.</summary>
    private static readonly Dictionary<string, string> Table = new(StringComparer.Ordinal)
    {
        ["GET /"] = "viewer",
        ["GET /sign-in"] = Anybody,
        ["GET /console/live"] = "viewer",
        ["GET /console/assets/{build}/{name}"] = Anybody,
        ["GET /healthz"] = Anybody,
        ["GET /healthz/live"] = Anybody,
        ["GET /healthz/ready"] = Anybody,
        ["GET /metrics"] = "viewer",
        ["GET /openapi/{documentName}.json"] = "viewer",
        ["GET /api/v1/systems"] = "viewer",
        ["GET /api/v1/systems/{id}"] = "viewer",
        ["GET /api/v1/devices"] = "viewer",
        ["GET /api/v1/devices/{id}"] = "viewer",
        ["GET /api/v1/sites"] = "viewer",
        ["GET /api/v1/sites/{id}"] = "viewer",
        ["GET /api/v1/sites/{id}/run"] = "viewer",
        ["POST /api/v1/sites/{id}/run"] = "commander",
        ["POST /api/v1/sites/{id}/run/stop"] = "operator",
        ["GET /api/v1/volumes"] = "viewer",
        ["GET /api/v1/volumes/{name}"] = "viewer",
        ["GET /api/v1/volumes/{name}/copies"] = "viewer",
        ["GET /api/v1/volumes/{name}/points"] = "viewer",
        ["POST /api/v1/volumes/{name}/points"] = "operator",
        ["GET /api/v1/runs"] = "viewer",
        ["GET /api/v1/runs/{id}"] = "viewer",
        ["POST /api/v1/runs"] = "operator", // A drill; the other kinds take a commander: see below.
        ["POST /api/v1/runs/{id}/approve"] = "commander",
        ["POST /api/v1/runs/{id}/commit"] = "commander",
        ["POST /api/v1/runs/{id}/roll-back"] = "commander",
        ["POST /api/v1/runs/{id}/decline"] = "commander",
        ["POST /api/v1/runs/{id}/retry"] = "commander",
        ["POST /api/v1/systems/{id}/hold"] = "commander",
        ["POST /api/v1/systems/{id}/release"] = "commander",
        ["POST /api/v1/systems/{id}/resolve"] = "commander",
        ["POST /api/v1/systems/{id}/accept"] = "commander",
        ["POST /api/v1/systems/{id}/force"] = "commander",
        ["POST /api/v1/runs/{id}/stop"] = "operator",
        ["GET /api/v1/policies"] = "viewer",
        ["GET /api/v1/policies/{version}"] = "viewer",
        ["POST /api/v1/policies/plan"] = "operator",
        ["POST /api/v1/policies"] = "admin",
        ["GET /api/v1/detector"] = "viewer",
        ["GET /api/v1/detector/evidence"] = "viewer",
        ["GET /api/v1/detector/evidence/{id}"] = "viewer",
        ["POST /api/v1/detector/tests"] = "operator",
        ["GET /api/v1/detector/tests/{device}"] = "viewer",
        ["GET /api/v1/events"] = "viewer",
        ["GET /api/v1/audit"] = "viewer",
        ["GET /api/v1/audit/verify"] = "operator",
        ["GET /api/v1/ca"] = Anybody,
        ["GET /api/v1/ca/crl"] = Anybody,
        ["POST /api/v1/ca/enrolments"] = Anybody,
        ["POST /api/v1/ca/renewals"] = Anybody,
        ["GET /api/v1/ca/certificates"] = "viewer",
        ["GET /api/v1/ca/tokens"] = "admin",
        ["POST /api/v1/ca/tokens"] = "admin",
        ["DELETE /api/v1/ca/tokens/{id}"] = "admin",
        ["POST /api/v1/ca/revocations"] = "admin",
        ["GET /api/v1/alerts"] = "viewer",
        ["POST /api/v1/alerts/{id}/acknowledge"] = "operator",
        ["GET /api/v1/alerts/silences"] = "viewer",
        ["POST /api/v1/alerts/silences"] = "operator",
        ["DELETE /api/v1/alerts/silences/{id}"] = "operator",
        ["POST /api/v1/sign-in"] = Anybody,
        ["POST /api/v1/sign-out"] = "viewer",
        ["GET /api/v1/me"] = "viewer",
        ["POST /api/v1/me/password"] = "viewer",
        ["GET /api/v1/users"] = "admin",
        ["POST /api/v1/users"] = "admin",
        ["PATCH /api/v1/users/{name}"] = "admin",
        ["GET /api/v1/tokens"] = "viewer",
        ["POST /api/v1/tokens"] = "viewer",
        ["DELETE /api/v1/tokens/{id}"] = "viewer",
    };

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var route in Table.Keys)
        {
            foreach (var role in new[] { "nobody", "viewer", "operator", "commander", "admin" })
            {
                cases.Add(route, role);
            }
        }

        return cases;
    }

    [Fact]
    public void Every_route_is_in_the_table_and_has_a_policy_or_is_open_on_purpose()
    {
        var routes = ((IEndpointRouteBuilder)silo.App).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().ToList();
        routes.SelectMany(r => (r.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["ANY"]).Select(m => $"{m} /{r.RoutePattern.RawText!.Trim('/')}")).ShouldBe(Table.Keys, ignoreOrder: true);
        foreach (var route in routes)
        {
            (route.Metadata.GetMetadata<IAllowAnonymous>() is not null || route.Metadata.GetMetadata<IAuthorizeData>() is { Policy: not null }).ShouldBeTrue(route.DisplayName);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_route_takes_its_role_and_those_above_it(string route, string role)
    {
        var parts = route.Split(' ');
        using var content = parts[0] is "GET" or "DELETE" ? null : new StringContent("{}", Encoding.UTF8, "application/json");
        using var answer = await silo.SendAsync(new HttpMethod(parts[0]), Parameter().Replace(parts[1], "none"), await silo.TokenAsync(Role(role)), content);

        var needed = Table[route];
        if (needed == Anybody || (Role(role) is { } has && has >= Role(needed)))
        {
            // What the request asks for does not exist or makes no sense: whatever is said about that, it is not the caller's right.
            answer.StatusCode.ShouldNotBeOneOf(HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.InternalServerError);
        }
        else if (role == "nobody")
        {
            answer.StatusCode.ShouldBe(route == "GET /" ? HttpStatusCode.OK : HttpStatusCode.Unauthorized); // The page sends a person to sign in.
        }
        else
        {
            answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            (await answer.Content.ReadAsStringAsync()).ShouldContain($"It takes the role {needed}; ");
        }
    }

    [Theory]
    [InlineData("failover", "operator", false)]
    [InlineData("move", "operator", false)]
    [InlineData("failback", "operator", false)]
    [InlineData("drill", "operator", true)]
    [InlineData("failover", "commander", true)]
    [InlineData("move", "commander", true)]
    public async Task Who_serves_is_decided_by_commanders_and_drills_are_daily_work(string kind, string role, bool taken)
    {
        using var content = new StringContent($"{{\"system\":\"none\",\"kind\":\"{kind}\",\"reason\":\"test\"}}", Encoding.UTF8, "application/json");
        using var answer = await silo.SendAsync(HttpMethod.Post, "/api/v1/runs", await silo.TokenAsync(Role(role)), content);

        answer.StatusCode.ShouldBe(taken ? HttpStatusCode.NotFound : HttpStatusCode.Forbidden);
    }

    private static Role? Role(string name) => name == "nobody" ? null : Enum.Parse<Role>(CultureInfo.InvariantCulture.TextInfo.ToTitleCase(name));

    [GeneratedRegex("\\{[a-zA-Z]+\\}")]
    private static partial Regex Parameter();
}

using System.Net;
using System.Net.Http.Json;
using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Api;
using Dr.Silo.Tests.Access;
using Dr.Silo.Tests.WebConsole;
using Microsoft.AspNetCore.Http;

namespace Dr.Silo.Tests.Api;

/// <summary>Orders about a system: a hold has an end, and force is nobody's alone.</summary>
public sealed class OrderApiTests(SignInFixture silo) : IClassFixture<SignInFixture>
{
    [Fact]
    public async Task A_hold_has_an_end()
    {
        (await PostAsync("hold", new { reason = "maintenance" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "without an end");
        (await PostAsync("hold", new { reason = "maintenance", @for = "30d" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "longer than a week");
        (await PostAsync("hold", new { reason = "maintenance", @for = "1h" }, "7")).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed, "about an epoch that is not there");

        using var refused = await PostAsync("hold", new { reason = "maintenance", @for = "1h" }, "1");
        refused.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await refused.Content.ReadAsStringAsync()).ShouldContain("Unprotected", Case.Sensitive, "there is nothing to hold yet");
    }

    [Theory]
    [InlineData("Held", RunAnswer.GuardsUnmet, StatusCodes.Status423Locked)]
    [InlineData("Protected", RunAnswer.GuardsUnmet, StatusCodes.Status412PreconditionFailed)]
    [InlineData("Protected", RunAnswer.OtherRunLive, StatusCodes.Status409Conflict)]
    [InlineData("Held", RunAnswer.EpochMoved, StatusCodes.Status412PreconditionFailed)]
    public void What_a_held_system_refuses_is_locked(string phase, RunAnswer answer, int status) =>
        ApiProblem.From(new RunOutcome { Answer = answer, Message = "test" }, Views.Library() with { Phase = phase }).StatusCode.ShouldBe(status);

    [Fact]
    public async Task Force_needs_the_epoch_a_key_and_a_statement()
    {
        (await PostAsync("force", new { reason = "gone", statement = "I saw it" })).StatusCode.ShouldBe(HttpStatusCode.PreconditionRequired);
        (await PostAsync("force", new { reason = "gone", statement = "I saw it" }, "1")).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "without a key");
        (await PostAsync("force", new { reason = "gone" }, "1", "k")).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "without a statement");
        using var refused = await PostAsync("force", new { reason = "gone", statement = "I saw it" }, "1", "k");
        refused.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed, "there is no copy that could take over");
    }

    private async Task<HttpResponseMessage> PostAsync(string verb, object body, string? seen = null, string? key = null) =>
        await silo.SendAsync(HttpMethod.Post, $"/api/v1/systems/dilas/{verb}", await silo.TokenAsync(Role.Commander), JsonContent.Create(body), request =>
        {
            if (seen is not null)
            {
                request.Headers.TryAddWithoutValidation("If-Match", seen);
            }

            if (key is not null)
            {
                request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
            }
        });
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Api;

/// <summary>The admin API over HTTP, against the silo as it is run.</summary>
public sealed class ApiTests(ApiFixture silo) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task A_system_is_shown_with_phase_epoch_and_conditions_with_reasons()
    {
        var system = await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/systems/dilas");

        system.GetProperty("phase").GetString().ShouldBe("Unprotected");
        system.GetProperty("epoch").GetInt64().ShouldBe(1);
        system.GetProperty("class").GetString().ShouldBe("T");
        system.GetProperty("conditions").EnumerateArray().Select(c => c.GetProperty("kind").GetString()).ShouldBe(["Serving", "DataProtected", "PeerReady", "Fenced"]);
        system.GetProperty("conditions").EnumerateArray().ShouldAllBe(c => c.GetProperty("reason").GetString()!.Length > 0);
    }

    [Theory]
    [InlineData("systems", 1)]
    [InlineData("volumes", 1)]
    [InlineData("devices", 4)]
    [InlineData("sites", 2)]
    [InlineData("runs", 0)]
    public async Task Lists_hold_what_is_configured(string list, int count) =>
        (await silo.Http.GetFromJsonAsync<JsonElement>($"/api/v1/{list}")).GetArrayLength().ShouldBe(count);

    [Fact]
    public async Task A_list_is_paged_by_links_that_keep_the_filters()
    {
        var seen = new List<string>();
        for (string? path = "/api/v1/devices?role=host&limit=1"; path is not null;)
        {
            using var answer = await silo.Http.GetAsync(path);
            seen.AddRange((await answer.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray().Select(d => d.GetProperty("id").GetString()!));
            path = answer.Headers.TryGetValues("Link", out var links) ? links.Single().Split('>')[0][1..] : null;
            path?.ShouldContain("role=host");
        }

        var all = await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/devices?role=host");
        seen.ShouldBe(all.EnumerateArray().Select(d => d.GetProperty("id").GetString()!));
        seen.Count.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task What_has_not_changed_is_not_sent_again()
    {
        using var first = await silo.Http.GetAsync("/api/v1/sites/backup");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/sites/backup");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);

        (await silo.Http.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Theory]
    [InlineData("/api/v1/runs?state=odd")]
    [InlineData("/api/v1/devices?limit=many")]
    [InlineData("/api/v1/devices?presence=odd")]
    [InlineData("/api/v1/systems?phase=odd")]
    [InlineData("/api/v1/audit?since=yesterday")]
    public async Task A_filter_that_cannot_be_understood_is_refused_and_not_overlooked(string path)
    {
        var answer = await silo.Http.GetAsync(path);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ProblemAsync(answer)).GetProperty("detail").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_body_that_is_larger_than_any_order_is_refused()
    {
        using var content = new StringContent($"{{\"reason\":\"{new string('x', 100_000)}\"}}", System.Text.Encoding.UTF8, "application/json");

        (await silo.Http.PostAsync("/api/v1/runs", content)).StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task Every_changing_call_is_in_the_audit_with_who_and_how_it_was_answered()
    {
        await PostRunAsync("move", "9", "audited");

        var entries = await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/audit?action=api.StartRun&actor=test&subject=dilas");
        entries.EnumerateArray().ShouldContain(e => e.GetProperty("text").GetString()!.Contains("412"));
        (await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/audit/verify")).GetProperty("whole").GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData("/api/v1/systems/none")]
    [InlineData("/api/v1/runs/none")]
    [InlineData("/api/v1/devices/none")]
    [InlineData("/api/v1/volumes/none")]
    public async Task What_is_not_there_is_a_problem_in_words(string path)
    {
        var answer = await silo.Http.GetAsync(path);

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString()!.ShouldContain("none");
    }

    [Fact]
    public async Task An_order_about_an_old_epoch_is_refused_with_412()
    {
        var answer = await PostRunAsync("failover", "7");

        answer.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await ProblemAsync(answer)).GetRawText().ShouldContain("epoch 7");
    }

    [Fact]
    public async Task A_guard_that_fails_is_named()
    {
        var answer = await PostRunAsync("move", "1");

        answer.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await ProblemAsync(answer)).GetProperty("unmetGuards").GetArrayLength().ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData("{\"system\":\"dilas\",\"kind\":\"explode\",\"actor\":\"a\",\"reason\":\"b\"}", HttpStatusCode.BadRequest)]
    [InlineData("{\"system\":\"dilas\",\"kind\":\"move\",\"actor\":\"\",\"reason\":\"b\"}", HttpStatusCode.BadRequest)]
    [InlineData("{\"system\":\"none\",\"kind\":\"move\",\"actor\":\"a\",\"reason\":\"b\"}", HttpStatusCode.NotFound)]
    public async Task An_order_that_makes_no_sense_is_refused(string body, HttpStatusCode expected)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        (await silo.Http.PostAsync("/api/v1/runs", content)).StatusCode.ShouldBe(expected);
    }

    [Theory]
    [InlineData(null, "k", HttpStatusCode.PreconditionRequired)]
    [InlineData("1", null, HttpStatusCode.BadRequest)]
    [InlineData("one", "k", HttpStatusCode.BadRequest)]
    public async Task An_order_without_the_epoch_that_was_seen_or_without_a_key_is_refused(string? seen, string? key, HttpStatusCode expected)
    {
        var answer = await PostRunAsync("move", seen, key);

        answer.StatusCode.ShouldBe(expected);
        (await ProblemAsync(answer)).GetProperty("nextActions").GetArrayLength().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Health_and_metrics_answer()
    {
        (await silo.Http.GetAsync("/healthz")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await silo.Http.GetStringAsync("/metrics")).ShouldContain("dr_system_epoch{system=\"dilas\"} 1");
    }

    [Fact]
    public async Task The_event_stream_resumes_after_the_last_event_that_was_seen()
    {
        var events = silo.Services.GetRequiredService<EventLog>();
        await events.AppendAsync([(null, Event("first")), (null, Event("second"))], CancellationToken.None);
        var first = (await events.ReadAsync(0, 10_000, CancellationToken.None)).Single(e => e.Text == "first").Id;

        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
        request.Headers.Add("Last-Event-ID", first.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using var answer = await silo.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());

        (await NextDataAsync(reader)).ShouldContain("second");
        await events.AppendAsync([(null, Event("third"))], CancellationToken.None);
        (await NextDataAsync(reader)).ShouldContain("third");
    }

    [Fact]
    public async Task What_became_of_a_point_that_was_asked_for_is_in_the_list_of_events_once()
    {
        var volume = silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IVolumeGrain>("points-told");
        var (taken, crash, failed) = (Point("a"), Point("b"), Point("c"));
        for (var time = 0; time < 2; time++)
        {
            await volume.OnResultAsync(Appliance, taken, Done(taken, ("point", "0000000000000001"), ("sequence", "7"), ("consistency", "Application"), ("reason", "PostgreSQL")));
            await volume.OnResultAsync(Appliance, crash, Done(crash, ("point", "0000000000000002"), ("sequence", "8"), ("consistency", "Crash"), ("reason", "the database was not quiet within 10 s")));
            await volume.OnResultAsync(Appliance, failed, new CommandResult { Id = failed.Id, Outcome = CommandOutcome.Failed, Detail = "The disk is full." });
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events?kind=volume.point&subject=points-told");
        request.Headers.Accept.ParseAdd("application/json");
        using var answer = await silo.Http.SendAsync(request);
        var told = (await answer.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray().ToArray();

        told.Select(e => e.GetProperty("data").GetProperty("command").GetString()).ShouldBe(["a", "b", "c"]);
        told.Select(e => e.GetProperty("severity").GetString()).ShouldBe(["Information", "Information", "Warning"]);
        told.Select(e => e.GetProperty("text").GetString()).ShouldBe(
        [
            "Point 0000000000000001 of points-told was taken, application-consistent (PostgreSQL).",
            "Point 0000000000000002 of points-told was taken, crash-consistent (the database was not quiet within 10 s).",
            "The point of points-told was not taken by prod-1 (Failed): The disk is full.",
        ]);
        told[1].GetProperty("data").EnumerateObject().ToDictionary(d => d.Name, d => d.Value.GetString()).ShouldContainKeyAndValue("consistency", "Crash");
        told[2].GetProperty("data").GetProperty("reason").GetString().ShouldBe("The disk is full.");
    }

    private static DeviceId Appliance => new("prod-1");

    private static TakePoint Point(string id) =>
        new() { Id = new CommandId(id), IssuedAt = TimeProvider.System.GetUtcNow(), Deadline = TimeProvider.System.GetUtcNow(), Step = "schedule", Volume = "points-told" };

    private static CommandResult Done(TakePoint command, params (string Name, string Value)[] evidence) =>
        new() { Id = command.Id, Outcome = CommandOutcome.Done, Evidence = evidence.ToDictionary(e => e.Name, e => e.Value) };

    /// <summary>The next of the test's own events; the silo's may come in between.</summary>
    private static async Task<string> NextDataAsync(StreamReader reader)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && line.Contains("\"kind\":\"test\"", StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException("The stream ended before an event came.");
    }

    private static EventRecord Event(string text) => new() { At = TimeProvider.System.GetUtcNow(), Kind = "test", Subject = "dilas", Text = text };

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer)
    {
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<HttpResponseMessage> PostRunAsync(string kind, string? seen, string? key = "a-key")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs") { Content = JsonContent.Create(new { system = "dilas", kind, actor = "test", reason = "test" }) };
        if (seen is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", seen);
        }

        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        return await silo.Http.SendAsync(request);
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Alerts;

/// <summary>An alert the whole way: from a beat over the board to the API, the events and the metrics.</summary>
public sealed class AlertApiTests(ApiFixture silo) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task A_disk_that_fills_up_is_an_alert_that_can_be_acknowledged()
    {
        var device = silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IDeviceGrain>("prod-1");
        await device.OnBirthAsync(new Birth { DeviceEpoch = 1, BootId = "b", Site = new SiteId("production"), Roles = ["appliance"], Software = "test", Stream = Guid.Empty, SentAt = Now() });
        await device.OnBeatAsync(new Beat
        {
            Sequence = 1, BootId = "b", DeviceEpoch = 1, NextDueMs = 600_000, HourClass = HourClass.Busy, SentAt = Now(),
            Volumes = [new VolumeStatus { Volume = default, Name = "other", SizeBytes = 1, Role = VolumeRole.Replica, Epoch = new Epoch(1), Generation = default, Appended = default, Durable = default, Writable = false, Space = SpaceLevel.Critical }],
        });

        var alert = await UntilAsync("the alert", list => list.EnumerateArray().FirstOrDefault(a => a.GetProperty("kind").GetString() == "DiskFilling"));
        (alert.GetProperty("subject").GetString(), alert.GetProperty("level").GetString()).ShouldBe(("device:prod-1", "Critical"));
        (await silo.Http.GetStringAsync("/metrics")).ShouldContain("dr_alert{kind=\"DiskFilling\",subject=\"device:prod-1\",level=\"critical\"} 1");

        var id = alert.GetProperty("id").GetString();
        (await silo.Http.PostAsJsonAsync($"/api/v1/alerts/{id}/acknowledge", new { actor = "ann", reason = "ordered a disk" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "without an end");
        (await silo.Http.PostAsJsonAsync($"/api/v1/alerts/{id}/acknowledge", new { actor = "ann", reason = "ordered a disk", @for = "2h" })).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/alerts?kind=diskfilling"))[0].GetProperty("acknowledged").GetProperty("actor").GetString().ShouldBe("ann");
        (await silo.Http.PostAsJsonAsync("/api/v1/alerts/none/acknowledge", new { actor = "ann", reason = "x", @for = "2h" })).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        var told = await UntilAsync("the event", list => list.EnumerateArray().FirstOrDefault(e => e.GetProperty("text").GetString()!.Contains("disk of prod-1", StringComparison.Ordinal)), "/api/v1/events?kind=alert&limit=500");
        told.GetProperty("severity").GetString().ShouldBe("Critical");
    }

    [Fact]
    public async Task A_silence_has_an_end_a_reason_and_something_that_it_is_about()
    {
        (await silo.Http.PostAsJsonAsync("/api/v1/alerts/silences", new { actor = "ann", reason = "x", @for = "2h" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await silo.Http.PostAsJsonAsync("/api/v1/alerts/silences", new { kind = "ClockSkew", actor = "ann", reason = "x", @for = "90d" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await silo.Http.PostAsJsonAsync("/api/v1/alerts/silences", new { kind = "Odd", actor = "ann", reason = "x", @for = "1h" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var made = await silo.Http.PostAsJsonAsync("/api/v1/alerts/silences", new { kind = "ClockSkew", actor = "ann", reason = "the time server moves", @for = "1h" });
        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        var id = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
        (await silo.Http.GetStringAsync("/api/v1/alerts/silences")).ShouldContain("the time server moves");
        (await silo.Http.DeleteAsync($"/api/v1/alerts/silences/{id}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await silo.Http.DeleteAsync($"/api/v1/alerts/silences/{id}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();

    private async Task<JsonElement> UntilAsync(string what, Func<JsonElement, JsonElement> find, string path = "/api/v1/alerts")
    {
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Accept.ParseAdd("application/json");
            using var answer = await silo.Http.SendAsync(request);
            var list = await answer.Content.ReadFromJsonAsync<JsonElement>();
            if (find(list) is { ValueKind: JsonValueKind.Object } found)
            {
                return found;
            }

            watch.Elapsed.TotalSeconds.ShouldBeLessThan(60, $"waiting for {what}: {list}");
        }
    }
}

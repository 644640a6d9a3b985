using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Hosting;
using Dr.Silo.Tests.Api;
using Dr.Silo.Tracing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;

namespace Dr.Silo.Tests.Tracing;

/// <summary>What a collector that speaks OTLP over HTTP is sent by the whole silo.</summary>
public sealed class TraceTests(TraceTests.TracedSilo silo) : IClassFixture<TraceTests.TracedSilo>
{
    private static readonly Dictionary<string, string> Nothing = [];

    [Fact]
    public async Task A_run_is_one_trace_with_a_span_for_each_step_and_a_request_is_another()
    {
        var id = new RunId($"traced-{Guid.NewGuid():N}");
        (await silo.Http.GetAsync("api/v1/systems/nobody", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
        (await silo.Http.GetAsync("healthz", TestContext.Current.CancellationToken)).Dispose();
        var run = silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IRunGrain>(id.Value);
        await run.OpenAsync(new RunHeader
        {
            Id = id, System = new SystemId("dilas"), Kind = RunKind.Failover, From = new SiteId("production"), To = new SiteId("backup"), Epoch = new Epoch(2), Actor = "li", Reason = "burnt",
            StartedAt = DateTimeOffset.UtcNow - TimeSpan.FromMinutes(1),
        });
        await run.BeginAsync(new StepIntent { Step = "DemoteCopy", Target = "production", Intent = "demote", Epoch = new Epoch(2) });
        await run.EndAsync("DemoteCopy", "production", StepState.Failed, "it did not answer", Nothing);
        await run.BeginAsync(new StepIntent { Step = "PromoteCopy", Target = "backup", Intent = "promote", Epoch = new Epoch(2) });
        await run.EndAsync("PromoteCopy", "backup", StepState.Done, "it writes", Nothing);
        await run.CloseAsync(RunState.Done, "committed");
        await run.CloseAsync(RunState.Done, "committed");
        // The server ends a request's span a moment after the caller has its answer.
        const string Asked = "/api/v1/systems/nobody";
        await UntilAsync(s => s.Tags.GetValueOrDefault("url.path") == Asked, "the request's span");
        await UntilAsync(s => s.Tags.GetValueOrDefault("dr.run") == id.Value, "the run's span");

        silo.Receiver.Unexpected.ShouldBeNull();
        var spans = silo.Receiver.Spans;
        var whole = spans.Where(s => s.Tags.GetValueOrDefault("dr.run") == id.Value).ShouldHaveSingleItem("it was closed twice and is told once");
        (whole.Name, whole.Parent, whole.Failed).ShouldBe(("Failover dilas", "", false));
        (whole.Tags["dr.outcome"], whole.Tags["dr.to"], whole.Tags["dr.epoch"], whole.Tags["dr.actor"]).ShouldBe(("committed", "backup", "2", "li"));
        whole.Took.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMinutes(1), "from the journal's own times");
        var steps = spans.Where(s => s.Trace == whole.Trace && s.Id != whole.Id).OrderBy(s => s.Name).ToArray();
        steps.ShouldAllBe(s => s.Parent == whole.Id);
        steps.Select(s => (s.Name, s.Tags["dr.site"], s.Tags["dr.outcome"], s.Failed)).ShouldBe([("DemoteCopy", "production", "it did not answer", true), ("PromoteCopy", "backup", "it writes", false)]);

        var request = spans.Where(s => s.Tags.GetValueOrDefault("url.path") == Asked).ShouldHaveSingleItem();
        request.Trace.ShouldNotBe(whole.Trace);
        request.Name.ShouldStartWith("GET /api/v1/systems/{");
        (request.Tags["http.response.status_code"], request.Tags["dr.actor"]).ShouldBe(("404", "local"));
        spans.ShouldNotContain(s => s.Tags.GetValueOrDefault("url.path") == "/healthz");
    }

    [Fact]
    public async Task Nothing_is_traced_unless_a_collector_is_named()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddTraces(new Dictionary<string, string?> { ["OTEL_SERVICE_NAME"] = "dr", ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "" }).ShouldBeFalse();
        await using var app = builder.Build();
        app.Services.GetService<TracerProvider>().ShouldBeNull();
    }

    private async Task UntilAsync(Func<ReceivedSpan, bool> wanted, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!silo.Receiver.Spans.Any(wanted))
        {
            TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(30), $"waiting for {what}");
            silo.Services.GetRequiredService<TracerProvider>().ForceFlush(20_000);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The whole silo with a collector beside it.</summary>
    public sealed class TracedSilo : ApiFixture, IAsyncDisposable
    {
        internal OtlpReceiver Receiver { get; } = new();

        private protected override IReadOnlyDictionary<string, string?> Tracing => new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Receiver.Address, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        };

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            await DisposeAsync();
            await Receiver.DisposeAsync();
        }
    }
}

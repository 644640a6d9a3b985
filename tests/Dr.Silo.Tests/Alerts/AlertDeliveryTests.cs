using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using System.Text.Json;
using Dr.Silo.Alerts;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Silo.Tests.Alerts;

/// <summary>The board over a restart, and notices to a real web server and a real command.</summary>
public sealed class AlertDeliveryTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(Start);
    private readonly HttpListener _listener = new();
    private readonly HttpClient _http = new();
    private readonly ConcurrentQueue<(string Key, string Body)> _heard = new();
    private Database _database = null!;
    private string _url = "";
    private Task _serving = Task.CompletedTask;
    private volatile int _status = 200;

    public async ValueTask InitializeAsync()
    {
        _database = new SqliteDatabase(Path.Combine(_directory.Path, "silo.db"));
        await new Migrator(_database).ApplyAsync(CancellationToken.None);
        _url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePorts.Next()}/hook/");
        _listener.Prefixes.Add(_url);
        _listener.Start();
        _serving = ServeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _http.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Alerts_acknowledgements_and_silences_survive_a_restart_and_a_second_writer_is_noticed()
    {
        var store = new AlertStore(_database, _time);
        var sample = new AlertSample { Kind = AlertKind.StaleWriter, Subject = "system:dilas", Value = 1, Text = "test", Causes = ["a/b"] };
        var step = AlertMachine.Step(AlertBoard.Empty, [sample], Start);
        var board = AlertMachine.Acknowledge(step.Board, sample.Key, "ann", "on it", Start.AddHours(1), Start) with { Silences = [new AlertSilence("s", null, "system:x", "ann", Start, Start.AddHours(1), "why")] };
        (await store.SaveAsync(AlertBoard.Empty, board, 0, step.Notices, ["events"], CancellationToken.None)).ShouldBeTrue();

        var (loaded, version) = await store.LoadAsync(CancellationToken.None);
        AlertViews.Same(loaded, board).ShouldBeTrue();
        loaded.Alerts[sample.Key].Acknowledged!.Reason.ShouldBe("on it");
        AlertMachine.Step(loaded, [sample], Start.AddSeconds(5)).Notices.ShouldBeEmpty("it was told before the restart");

        (await store.SaveAsync(loaded, AlertBoard.Empty, version, [], [], CancellationToken.None)).ShouldBeTrue();
        (await store.SaveAsync(loaded, AlertBoard.Empty, version, [], [], CancellationToken.None)).ShouldBeFalse("somebody else wrote in between");
        (await store.LoadAsync(CancellationToken.None)).Board.Alerts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_webhook_that_fails_gets_the_same_notice_again_until_it_takes_it()
    {
        var (store, outbox) = Outbox(new WebhookTarget(_http, _url));
        await RaiseAsync(store, outbox);
        _status = 500;
        await outbox.RunOnceAsync(CancellationToken.None);
        await outbox.RunOnceAsync(CancellationToken.None);
        _heard.Count.ShouldBe(1, "not again before its pause is over");
        (await store.CountAsync(CancellationToken.None)).Waiting.ShouldBe(1);

        _status = 200;
        _time.Advance(AlertStore.FirstPause);
        await outbox.RunOnceAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromHours(1));
        await outbox.RunOnceAsync(CancellationToken.None);

        _heard.Count.ShouldBe(2, "taken is taken");
        _heard.Select(h => h.Key).Distinct().Count().ShouldBe(1);
        var body = JsonDocument.Parse(_heard.First().Body).RootElement;
        body.GetProperty("id").GetString().ShouldBe(_heard.First().Key);
        (body.GetProperty("change").GetString(), body.GetProperty("level").GetString(), body.GetProperty("runbook").GetString()).ShouldBe(("Raised", "Critical", "deploy/runbooks/stale-writer.md"));
        (await store.CountAsync(CancellationToken.None)).ShouldBe((0, 0));
    }

    [Fact]
    public async Task What_nobody_takes_for_a_day_is_given_up_and_counted()
    {
        var (store, outbox) = Outbox(new WebhookTarget(_http, _url));
        await RaiseAsync(store, outbox);
        _status = 500;
        for (var i = 0; i < 400 && (await store.CountAsync(CancellationToken.None)).Waiting > 0; i++)
        {
            await outbox.RunOnceAsync(CancellationToken.None);
            _time.Advance(AlertStore.LongestPause);
        }

        (await store.CountAsync(CancellationToken.None)).ShouldBe((0, 1));
        (_time.GetUtcNow() - Start).ShouldBeGreaterThanOrEqualTo(AlertStore.GiveUpAfter);
    }

    [Fact]
    public async Task A_target_that_fails_as_none_should_does_not_keep_the_others_from_hearing()
    {
        var store = new AlertStore(_database, _time);
        using var outbox = new NoticeOutbox(store, [new FaultyTarget(), new WebhookTarget(_http, _url)], _time, NullLogger<NoticeOutbox>.Instance);
        await RaiseAsync(store, outbox);
        await outbox.RunOnceAsync(CancellationToken.None);
        _heard.Count.ShouldBe(1);
        (await store.CountAsync(CancellationToken.None)).Waiting.ShouldBe(1, "the other one is tried again");
    }

    [Fact]
    public async Task A_notice_is_told_when_it_comes_however_many_rounds_had_nothing_to_tell()
    {
        var target = new FaultyTarget { IsWell = true };
        var store = new AlertStore(_database, _time);
        using var outbox = new NoticeOutbox(store, [target], _time, NullLogger<NoticeOutbox>.Instance);
        await outbox.StartAsync(CancellationToken.None);

        // Wakes for nothing: each ends a wait, as the pace does.
        for (var round = 0; round < 3; round++)
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(50);
        }

        await RaiseAsync(store, outbox);
        outbox.Wake();
        await target.Told.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None); // Without the clock's help.
        await outbox.StopAsync(CancellationToken.None);
    }

    [Fact, UnsupportedOSPlatform("windows")]
    public async Task A_command_gets_the_notice_and_its_exit_status_counts()
    {
        var script = Path.Combine(_directory.Path, "tell.sh");
        await File.WriteAllTextAsync(script, $"#!/bin/sh\ncat > {_directory.Path}/told.$DR_ALERT_ID\n[ -e {_directory.Path}/good ] || {{ echo not now >&2; exit 3; }}\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var target = new CommandTarget(script);

        (await target.TellAsync("n1", "{\"id\":\"n1\"}", CancellationToken.None)).ShouldBe("It ended with 3: not now");
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "good"), "");
        (await target.TellAsync("n1", "{\"id\":\"n1\"}", CancellationToken.None)).ShouldBeNull();
        (await File.ReadAllTextAsync(Path.Combine(_directory.Path, "told.n1"))).Trim().ShouldBe("{\"id\":\"n1\"}");
        (await new CommandTarget("/nowhere").TellAsync("n1", "", CancellationToken.None))!.ShouldContain("cannot be started");
    }

    [Fact]
    public async Task While_the_database_is_away_its_alert_is_told_directly_once_and_when_it_is_back()
    {
        var (_, outbox) = Outbox(new WebhookTarget(_http, _url));
        using var service = new AlertService(null!, null!, null!, outbox, _time, NullLogger<AlertService>.Instance);
        for (var second = 0; second <= 90; second += 5)
        {
            await service.AloneAsync("The database does not answer.", CancellationToken.None);
            _heard.Count.ShouldBe(second < 60 ? 0 : 1);
            _time.Advance(TimeSpan.FromSeconds(5));
        }

        for (var second = 0; second <= 60; second += 5)
        {
            await service.AloneAsync(null, CancellationToken.None);
            _time.Advance(TimeSpan.FromSeconds(5));
        }

        _heard.Select(h => JsonDocument.Parse(h.Body).RootElement.GetProperty("change").GetString()).ShouldBe(["Raised", "Cleared"]);
    }

    private sealed class FaultyTarget : INoticeTarget
    {
        private readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsWell { get; init; }

        public Task Told => _told.Task;

        public string Name => "faulty";

        public bool WorksAlone => true;

        public Task<string?> TellAsync(string id, string body, CancellationToken cancellationToken)
        {
            _told.TrySetResult();
            return IsWell ? Task.FromResult<string?>(null) : throw new NotSupportedException("a fault that nobody thought of");
        }
    }

    private (AlertStore Store, NoticeOutbox Outbox) Outbox(INoticeTarget target)
    {
        var store = new AlertStore(_database, _time);
        return (store, new NoticeOutbox(store, [target], _time, NullLogger<NoticeOutbox>.Instance));
    }

    private static async Task RaiseAsync(AlertStore store, NoticeOutbox outbox)
    {
        var step = AlertMachine.Step(AlertBoard.Empty, [new AlertSample { Kind = AlertKind.StaleWriter, Subject = "system:dilas", Value = 1, Text = "test" }], Start);
        (await store.SaveAsync(AlertBoard.Empty, step.Board, 0, step.Notices, outbox.TargetNames, CancellationToken.None)).ShouldBeTrue();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                _heard.Enqueue((context.Request.Headers["Idempotency-Key"]!, await reader.ReadToEndAsync()));
                context.Response.StatusCode = _status;
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Stopped.
        }
    }
}

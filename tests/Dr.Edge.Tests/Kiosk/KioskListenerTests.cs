using System.Net;
using System.Net.Http.Json;
using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Dr.Edge.Kiosk;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Kiosk;

public sealed class KioskListenerTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-kiosk-").FullName;
    private EdgeBuffer _buffer = null!;
    private KioskListener _listener = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _buffer = new EdgeBuffer(new BufferOptions { Directory = _directory, TransactionBytesMax = 20_000 }, "boot", TimeProvider.System, NullLogger<EdgeBuffer>.Instance);
        await _buffer.OpenAsync(CancellationToken.None);
        _listener = new KioskListener(new KioskConfig { Listen = "127.0.0.1:0" }, _buffer, TimeProvider.System, NullLoggerFactory.Instance);
        await _listener.StartAsync(CancellationToken.None);
        _http = new HttpClient { BaseAddress = new Uri($"http://{_listener.EndPoint}") };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _listener.StopAsync(CancellationToken.None);
        await _listener.DisposeAsync();
        await _buffer.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_transaction_is_stored_before_it_is_answered_and_twice_is_once()
    {
        var answer = await PostAsync("{\"id\":\"b-1\",\"kind\":\"borrow\",\"card\":\"2100001\",\"item\":\"044005\"}");
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await answer.Content.ReadFromJsonAsync<AcceptedTransaction>()).ShouldBe(new AcceptedTransaction("b-1", 1, Duplicate: false));
        (await (await PostAsync("{\"id\":\"b-1\",\"kind\":\"borrow\",\"card\":\"2100001\",\"item\":\"044005\"}")).Content.ReadFromJsonAsync<AcceptedTransaction>())
            .ShouldBe(new AcceptedTransaction("b-1", 1, Duplicate: true));

        var content = await _buffer.ReadAsync(Lane.Transactions, default, 0, CancellationToken.None);
        content.Range.Count.ShouldBe(1);
        var row = (await _buffer.ReadAsync(Lane.Transactions, content.Stream, 1, CancellationToken.None)).Rows[0];
        (row.Kind, row.Key).ShouldBe(("kiosk.transaction", "b-1"));
    }

    [Theory]
    [InlineData("{", HttpStatusCode.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest)]
    [InlineData("{\"kind\":\"borrow\"}", HttpStatusCode.BadRequest)]
    [InlineData("{\"kind\":1,\"card\":\"2\"}", HttpStatusCode.BadRequest)]
    public async Task What_is_no_transaction_is_refused_and_not_stored(string body, HttpStatusCode status)
    {
        (await PostAsync(body)).StatusCode.ShouldBe(status);
        (await _buffer.ReadAsync(Lane.Transactions, default, 0, CancellationToken.None)).Range.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_full_outbox_is_told_with_a_hint()
    {
        HttpResponseMessage answer;
        do
        {
            answer = await PostAsync($"{{\"kind\":\"borrow\",\"card\":\"1\",\"note\":\"{new string('x', 2_000)}\"}}");
        }
        while (answer.StatusCode == HttpStatusCode.Accepted);

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await answer.Content.ReadFromJsonAsync<KioskProblem>())!.Detail.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("0.0.0.0:0")]
    [InlineData("nonsense")]
    public async Task Only_loopback_is_served(string listen)
    {
        await using var listener = new KioskListener(new KioskConfig { Listen = listen }, _buffer, TimeProvider.System, NullLoggerFactory.Instance);
        await Should.ThrowAsync<DrException>(() => listener.StartAsync(CancellationToken.None));
    }

    private Task<HttpResponseMessage> PostAsync(string body) =>
        _http.PostAsync("/transactions", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.EndToEnd.Tests.Link;
using Dr.EndToEnd.Tests.WebConsole;

namespace Dr.EndToEnd.Tests.Load;

/// <summary>
/// Beats of a whole fleet through broker, ingress, grains and detector of one real silo, and the lists of the admin API meanwhile. A measurement: <c>DR_FLEET=50000</c> says how many devices,
/// <c>DR_FLEET_RATE=10000</c> how many beats a second are offered, <c>DR_FLEET_SECONDS=30</c> for how long. It says what it found and fails only when a device is never heard or a list does not answer.
/// </summary>
[Collection("whole machine")]
public sealed class FleetLoadTests(ITestOutputHelper output)
{
    private const int Systems = 50;
    private const int Connections = 8;

    /// <summary>A machine that is full must show in the figures and not in a connection that is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var given) ? given : otherwise;

    [Fact]
    public async Task Beats_of_a_fleet_go_through_and_the_lists_answer_meanwhile()
    {
        var devices = Number("DR_FLEET", 0);
        Assert.SkipUnless(devices > 0, "DR_FLEET=50000 measures a silo with that many devices");
        var (rate, seconds) = (Number("DR_FLEET_RATE", 10_000), Number("DR_FLEET_SECONDS", 30));
        var started = Stopwatch.StartNew();
        await using var broker = new Mosquitto();
        await broker.StartAsync();
        await using var silo = await RunningSilo.StartOnAsync(broker.Address, Config(devices));
        output.WriteLine($"{devices} devices and {Systems} systems: ready after {started.Elapsed.TotalSeconds:F1} s");

        using var ending = new CancellationTokenSource();
        var counter = new AckCounter();
        await using var listener = await new BrokerConnector(TimeProvider.System).ConnectAsync(
            new BrokerSession { Broker = broker.Address, ClientId = "acks", SessionExpiry = TimeSpan.Zero, InboundCapacity = 100_000, ProbePeriod = Patience }, ending.Token);
        await listener.SubscribeAsync([$"{Topics.Root}/+/+/down/{DownChannel.Ack.Split('/')[^1]}"], ending.Token);
        var counting = counter.CountAsync(listener, ending.Token);

        // One round first: every grain is activated, then the fleet beats at its pace.
        var senders = await Task.WhenAll(Enumerable.Range(0, Connections).Select(n => Sender.ConnectAsync(broker.Address, n, devices)));
        await Task.WhenAll(senders.Select(s => s.RoundAsync(rate / Connections / 4.0, ending.Token)));
        try
        {
            await Eventually.TrueAsync("every device to be known", () => counter.Acks >= devices * 0.98, TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{counter.Acks} of {senders.Sum(s => s.Sent)} beats are answered\n{silo.Log}", exception);
        }

        output.WriteLine($"every device heard once after {started.Elapsed.TotalSeconds:F1} s");

        var (before, sentBefore, watch) = (counter.Acks, senders.Sum(s => s.Sent), Stopwatch.StartNew());
        var lists = ListsAsync(silo, seconds);
        await Task.WhenAll(senders.Select(s => s.BeatAsync(rate / (double)Connections, TimeSpan.FromSeconds(seconds), ending.Token)));
        var offered = senders.Sum(s => s.Sent) - sentBefore;
        var during = (counter.Acks - before) / watch.Elapsed.TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(5));
        output.WriteLine($"offered {offered / (double)seconds:F0}/s for {seconds} s, answered {during:F0}/s while it lasted and {(counter.Acks - before) * 100.0 / offered:F2} % in the end");
        output.WriteLine($"memory of the silo: {silo.MemoryMiB:F0} MiB");
        foreach (var (path, times) in await lists)
        {
            output.WriteLine($"{path}: p50 {times[times.Count / 2]:F0} ms, p95 {times[(int)Math.Ceiling(times.Count * 0.95) - 1]:F0} ms of {times.Count} (goal p95 300 ms)");
        }

        await ending.CancelAsync();
        await counting;
        foreach (var sender in senders)
        {
            await sender.DisposeAsync();
        }
    }

    private static async Task<List<(string Path, List<double> Milliseconds)>> ListsAsync(RunningSilo silo, int seconds)
    {
        using var http = new HttpClient { BaseAddress = new Uri(silo.Url), Timeout = TimeSpan.FromSeconds(20) };
        List<(string, List<double>)> all = [.. new[] { "systems", "devices?limit=100", "devices?limit=500", "devices?site=street&presence=alive&limit=100", "sites", "runs", "audit?limit=100", "events?limit=100" }.Select(p => (p, new List<double>()))];
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < seconds - 2;)
        {
            foreach (var (path, times) in all)
            {
                var asked = Stopwatch.GetTimestamp();
                using var request = new HttpRequestMessage(HttpMethod.Get, $"api/v1/{path}");
                request.Headers.Accept.ParseAdd("application/json");
                using var response = await http.SendAsync(request);
                await response.Content.ReadAsByteArrayAsync();
                response.IsSuccessStatusCode.ShouldBeTrue($"{path}: {response.StatusCode}");
                times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            await Task.Delay(200);
        }

        all.ForEach(l => l.Item2.Sort());
        return all;
    }

    private static string Config(int devices)
    {
        var text = new StringBuilder("sites: [ {id: production}, {id: backup}, {id: street} ]\ndevices:\n  - { id: prod-1, site: production, roles: [host] }\n  - { id: back-1, site: backup, roles: [host] }\n");
        for (var n = 0; n < devices; n++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - {{ id: {Id(n)}, site: street, roles: [kiosk] }}\n");
        }

        text.Append("systems:\n");
        for (var n = 0; n < Systems; n++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - {{ id: s{n}, class: R, home: production, hosts: {{ production: prod-1, backup: back-1 }} }}\n");
        }

        return text.ToString();
    }

    private static string Id(int n) => string.Create(CultureInfo.InvariantCulture, $"kiosk-{n}");

    private sealed class AckCounter
    {
        private long _acks;

        public long Acks => Interlocked.Read(ref _acks);

        public async Task CountAsync(IBrokerConnection connection, CancellationToken cancellationToken)
        {
            try
            {
                await foreach (var _ in connection.Inbound.ReadAllAsync(cancellationToken))
                {
                    Interlocked.Increment(ref _acks);
                }
            }
            catch (OperationCanceledException)
            {
                // The measurement is over.
            }
        }
    }

    /// <summary>One connection that beats for its share of the devices, one after the other.</summary>
    private sealed class Sender : IAsyncDisposable
    {
        private readonly IBrokerConnection _connection;
        private readonly DeviceId[] _devices;
        private readonly string _boot = Guid.NewGuid().ToString("N");
        private int _next;

        private Sender(IBrokerConnection connection, DeviceId[] devices) => (_connection, _devices) = (connection, devices);

        public long Sent { get; private set; }

        public static async Task<Sender> ConnectAsync(BrokerAddress broker, int number, int devices) => new(
            await new BrokerConnector(TimeProvider.System).ConnectAsync(
                new BrokerSession { Broker = broker, ClientId = string.Create(CultureInfo.InvariantCulture, $"load-{number}"), SessionExpiry = TimeSpan.Zero, ProbePeriod = Patience }, CancellationToken.None),
            [.. Enumerable.Range(0, devices).Where(n => n % Connections == number).Select(n => new DeviceId(Id(n)))]);

        public Task RoundAsync(double perSecond, CancellationToken cancellationToken) => SendAsync(perSecond, _devices.Length, cancellationToken);

        public Task BeatAsync(double perSecond, TimeSpan time, CancellationToken cancellationToken) => SendAsync(perSecond, (long)(perSecond * time.TotalSeconds), cancellationToken);

        public ValueTask DisposeAsync() => _connection.DisposeAsync();

        private async Task SendAsync(double perSecond, long count, CancellationToken cancellationToken)
        {
            var watch = Stopwatch.StartNew();
            for (var sent = 0L; sent < count;)
            {
                for (var due = Math.Min(count, (long)(watch.Elapsed.TotalSeconds * perSecond) + 1); sent < due; sent++, Sent++)
                {
                    var (device, round) = (_devices[_next % _devices.Length], (_next / _devices.Length) + 1);
                    _next++;
                    var beat = new Beat { Sequence = round, BootId = _boot, DeviceEpoch = 1, NextDueMs = 10_000, HourClass = HourClass.Busy, SentAt = DateTimeOffset.UtcNow, Load = new LoadReport { Cpu = 0.1 } };
                    await _connection.PublishAsync(OutboundMessage.Of(Topics.Up(device, UpChannel.Beat), beat, MqttJson.Default.Beat, atLeastOnce: false), cancellationToken);
                }

                await Task.Delay(5, cancellationToken);
            }
        }
    }
}

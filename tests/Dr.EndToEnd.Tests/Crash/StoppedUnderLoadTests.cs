using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Crash;

/// <summary>SIGTERM to a real dr-edge under the load of a client that knows what was answered: it ends in order, soon, and nothing that was answered is lost.</summary>
[Collection("whole machine")]
public sealed class StoppedUnderLoadTests : IDisposable
{
    private const int Rounds = 3;
    private const int Blocks = 8 * 1024;
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-stop-").FullName;

    [Fact]
    public async Task A_stop_answers_what_it_did_refuses_the_rest_and_loses_nothing()
    {
        var random = new Random(5);
        var load = new VerifyingLoad(seed: 3, Blocks);
        var edge = await EdgeProcess.StartAsync(_folder);
        try
        {
            await edge.RunAsync("volume", "create", "v", "--size", "32MiB");
            for (var round = 1; round <= Rounds; round++)
            {
                var current = edge;
                using var told = new CancellationTokenSource();
                var running = Task.Factory.StartNew(() => load.RunUntilStopped(current.NbdSocket, "v", told.Token), TaskCreationOptions.LongRunning);
                await Task.Delay(random.Next(100, 500));
                await told.CancelAsync();
                (await edge.StopAsync()).ShouldBe(0, "dr-edge did not end in order");
                await running;
                await edge.DisposeAsync();

                edge = await EdgeProcess.StartAsync(_folder);
                using var checker = new NbdClient(edge.NbdSocket, "v");
                load.Check(checker);
            }

            load.Answered.ShouldBeGreaterThan(Rounds * 10L);
        }
        finally
        {
            await edge.DisposeAsync();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

using Dr.Edge.Cli;
using Dr.Edge.Nbd;
using Dr.Edge.Tests.Nbd;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>
/// The disk below a real process refuses to write, and the kernel tells it once: in the next fsync. A second one would succeed although the data are gone, which is why none is made.
/// </summary>
public sealed class FailingFlushTests
{
    private const int Piece = 64 * 1024;
    private const int Pieces = 256;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failed_fsync_is_no_answer_stops_the_volume_and_loses_nothing_that_was_answered(bool writtenThrough)
    {
        await using var disk = await SmallFileSystem.CreateAsync(128, "points: {every: off}\n", canFail: true);
        await disk.StartAsync();
        await disk.Client.PostAsync<VolumeSummary>("volumes", new CreateVolumeRequest("v", (long)Piece * Pieces), TestContext.Current.CancellationToken);
        await disk.Client.PostAsync<VolumeSummary>("volumes", new CreateVolumeRequest("idle", Piece), TestContext.Current.CancellationToken);
        var oracle = new byte[Piece * Pieces];
        using (var client = disk.Attach("v"))
        {
            for (var i = 0; i < 40; i++)
            {
                Write(client, i, seed: i, oracle, i % 8 == 7 ? NbdCommandFlags.ForceUnitAccess : NbdCommandFlags.None).ShouldBe(NbdError.None);
            }

            Flush(client).ShouldBe(NbdError.None);

            // From here on nothing more is promised. What is written goes to places that nothing else was written to.
            disk.Device.Fails = true;
            if (writtenThrough)
            {
                Write(client, 100, seed: 100, null, NbdCommandFlags.ForceUnitAccess).ShouldBe(NbdError.IO);
            }
            else
            {
                Write(client, 100, seed: 100, null, NbdCommandFlags.None).ShouldBe(NbdError.None);
                Flush(client).ShouldBe(NbdError.IO);
            }

            // The disk is well again, and a new fsync would say so. It is not asked.
            disk.Device.Fails = false;
            Flush(client).ShouldBe(NbdError.IO);
            Write(client, 101, seed: 101, null, NbdCommandFlags.None).ShouldNotBe(NbdError.None);
            client.Read(0, 40 * Piece).AsSpan().SequenceEqual(oracle.AsSpan(0, 40 * Piece)).ShouldBeTrue("reads go on");
        }

        var shown = await disk.Client.GetAsync<VolumeSummary>("volumes/v", TestContext.Current.CancellationToken);
        shown.Fault.ShouldNotBeNull().ShouldContain("could not be flushed");
        (await disk.RunAsync("volume", "show", "v")).ShouldContain("could not be flushed");
        (await disk.RunAsync("volume", "list")).ShouldContain("could not");
        disk.Log.ShouldContain("[1101]");
        disk.Log.ShouldContain("errno 5");

        await disk.KillAsync();
        await disk.RemountAsync();
        await disk.StartAsync();
        using var again = disk.Attach("v");
        again.Read(0, 40 * Piece).AsSpan().SequenceEqual(oracle.AsSpan(0, 40 * Piece)).ShouldBeTrue("all that was answered as durable is there");
        var later = again.Read(100 * Piece, Piece);
        (later.AsSpan().IndexOfAnyExcept((byte)0) < 0 || later.AsSpan().SequenceEqual(StoreFixture.Pattern(Piece, 100))).ShouldBeTrue("what was not is there whole or not at all");
        again.Read(101 * Piece, Piece).AsSpan().IndexOfAnyExcept((byte)0).ShouldBe(-1, "what was refused is not there");
        Write(again, 200, seed: 200, oracle, NbdCommandFlags.ForceUnitAccess).ShouldBe(NbdError.None);
        Flush(again).ShouldBe(NbdError.None);
        (await disk.Client.GetAsync<VolumeSummary>("volumes/v", TestContext.Current.CancellationToken)).Fault.ShouldBeNull();
    }

    private static NbdError Write(ScriptedClient client, int piece, int seed, byte[]? oracle, NbdCommandFlags flags)
    {
        var data = StoreFixture.Pattern(Piece, seed);
        if (oracle is not null)
        {
            data.CopyTo(oracle, piece * Piece);
        }

        return client.Write((ulong)(piece * Piece), data, flags);
    }

    private static NbdError Flush(ScriptedClient client)
    {
        client.Request(NbdCommand.Flush, 0, 0, 9);
        return client.SimpleReply(9);
    }
}

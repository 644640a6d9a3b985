using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Nbd;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary><c>qemu:dirty-bitmap:POINT</c> on the real store, judged by an oracle that remembers which blocks were written when.</summary>
public sealed class DirtyBitmapTests : IAsyncLifetime
{
    private const int Block = 4096;
    private const int Blocks = 2048;
    private const long Size = Blocks * Block;

    private StoreServer _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await StoreServer.StartAsync(Size);

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Changes_between_any_two_positions_are_exactly_the_blocks_that_were_written(int seed)
    {
        var random = new Random(seed);
        var points = new List<(PointInfo Point, bool[] Since)>();
        using (var writer = _stand.Server.Attach())
        {
            for (var step = 0; step < 120; step++)
            {
                if (step % 15 == 14)
                {
                    points.Add((Point(step % 2 == 0 ? $"label {step}" : null), new bool[Blocks]));
                    continue;
                }

                var (offset, length) = RandomRange(random);
                var command = random.Next(4) switch { 0 => NbdCommand.Trim, 1 => NbdCommand.WriteZeroes, _ => NbdCommand.Write };
                writer.Request(command, (ulong)offset, (ulong)length, 3, command == NbdCommand.Write ? Noise(random, length) : default);
                writer.SimpleReply(3).ShouldBe(NbdError.None);
                foreach (var (_, since) in points)
                {
                    since.AsSpan(offset / Block, ((offset + length - 1) / Block) - (offset / Block) + 1).Fill(true);
                }
            }
        }

        // Once more after a restart, when the layers come from their indexes.
        for (var round = 0; round < 2; round++)
        {
            for (var from = 0; from < points.Count; from++)
            {
                AssertChanges("volume", points[from].Point.Id.ToString(), points[from].Since);
                if (points[from].Point.Label is { } label)
                {
                    AssertChanges("volume", label, points[from].Since);
                }
            }

            // Up to a point: between two neighbours the writes are those of one alone.
            for (var from = 0; from + 1 < points.Count; from++)
            {
                using var client = Open($"volume@{points[from + 1].Point.Id}", points[from].Point.Id.ToString(), out var context);
                var changed = Bits(client, context);
                for (var block = 0; block < Blocks; block++)
                {
                    var onlyLater = points[from + 1].Since[block];
                    if (changed[block])
                    {
                        points[from].Since[block].ShouldBeTrue($"block {block} was never written after point {from}");
                    }
                    else
                    {
                        (points[from].Since[block] && !onlyLater).ShouldBeFalse($"block {block} was written between points {from} and {from + 1}");
                    }
                }
            }

            await _stand.RestartAsync();
        }
    }

    [Fact]
    public void What_a_connection_selected_stays_as_it_was_then()
    {
        using var writer = _stand.Server.Attach();
        writer.Write(0, new byte[Block]).ShouldBe(NbdError.None);
        var point = Point();
        writer.Write(8 * Block, new byte[2 * Block]).ShouldBe(NbdError.None);
        using var before = Open("volume", point.Id.ToString(), out var context);
        writer.Write(20 * Block, new byte[Block]).ShouldBe(NbdError.None);
        for (var round = 0; round < 2; round++)
        {
            before.Status(0, (ulong)Size)[context].ShouldBe([(8L * Block, 0u), (2L * Block, 1u), (Size - (10 * Block), 0u)]);
            writer.Write(30 * Block, new byte[Block]).ShouldBe(NbdError.None);
        }

        using var after = Open("volume", point.Id.ToString(), out context);
        after.Status(20 * Block, 11 * Block)[context].ShouldBe([(1L * Block, 1u), (9L * Block, 0u), (1L * Block, 1u)]);
        after.Status((20 * Block) + 100, 10, NbdCommandFlags.RequestOne)[context].ShouldBe([(10L, 1u)]);
        after.Status(0, (ulong)Size, NbdCommandFlags.RequestOne)[context].ShouldBe([(8L * Block, 0u)]);
    }

    [Fact]
    public void Several_contexts_are_answered_side_by_side_in_both_forms()
    {
        using var writer = _stand.Server.Attach();
        writer.Write(0, Noise(new Random(1), 4 * Block)).ShouldBe(NbdError.None);
        var first = Point("first");
        writer.Request(NbdCommand.Trim, Block, Block, 9);
        writer.SimpleReply(9).ShouldBe(NbdError.None);
        var second = Point("second");
        writer.Write(2 * Block, Noise(new Random(2), Block)).ShouldBe(NbdError.None);
        foreach (var isExtended in new[] { false, true })
        {
            using var client = _stand.Server.Connect();
            client.Greet();
            Agree(client, isExtended);
            var ids = client.SelectContexts("volume", "qemu:dirty-bitmap:first", "base:allocation", $"qemu:dirty-bitmap:{second.Id}", "qemu:dirty-bitmap:nobody", "base:allocation", "qemu:");
            ids.Keys.ShouldBe(["qemu:dirty-bitmap:first", "base:allocation", $"qemu:dirty-bitmap:{second.Id}"]);
            client.Go("volume");
            var status = client.Status(0, 4 * Block);
            status[ids["base:allocation"]].ShouldBe([(1L * Block, 0u), (1L * Block, 3u), (2L * Block, 0u)]);
            status[ids["qemu:dirty-bitmap:first"]].ShouldBe([(1L * Block, 0u), (2L * Block, 1u), (1L * Block, 0u)]);
            status[ids[$"qemu:dirty-bitmap:{second.Id}"]].ShouldBe([(2L * Block, 0u), (1L * Block, 1u), (1L * Block, 0u)]);
        }

        first.Id.ShouldNotBe(second.Id);
    }

    [Fact]
    public void Points_are_listed_for_the_volume_and_for_a_point_only_those_before_it()
    {
        var points = new[] { Point(), Point(), Point() };
        using var client = _stand.Server.Connect();
        client.Greet();
        client.AgreeStructuredReplies();
        List("volume").ShouldBe(["base:allocation", "qemu:allocation-depth", .. points.Select(point => $"qemu:dirty-bitmap:{point.Id}")]);
        List($"volume@{points[1].Id}", "qemu:").ShouldBe(["qemu:allocation-depth", $"qemu:dirty-bitmap:{points[0].Id}"]);
        client.SelectContexts($"volume@{points[1].Id}", $"qemu:dirty-bitmap:{points[2].Id}").ShouldBeEmpty();

        List<string> List(string export, params string[] queries)
        {
            client.SendOption(NbdOption.ListMetaContext, ScriptedClient.ContextData(export, queries));
            var names = new List<string>();
            for (var answer = client.ReceiveReply(); answer.Reply == NbdOptionReply.MetaContext; answer = client.ReceiveReply())
            {
                names.Add(System.Text.Encoding.UTF8.GetString(answer.Data.AsSpan(4)));
            }

            return names;
        }
    }

    [Fact]
    public void More_contexts_than_the_limit_are_too_big_and_leave_none()
    {
        var names = Enumerable.Range(0, NbdLimits.MaxContexts + 1).Select(_ => $"qemu:dirty-bitmap:{Point().Id}").ToArray();
        using var client = _stand.Server.Connect();
        client.Greet();
        client.AgreeStructuredReplies();
        client.SendOption(NbdOption.SetMetaContext, ScriptedClient.ContextData("volume", names));
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorTooBig);
        client.Go("volume");
        client.Request(NbdCommand.BlockStatus, 0, Block, 4);
        client.Answer(NbdCommand.BlockStatus, 4).ShouldBe(NbdError.Invalid);
    }

    [Fact]
    public async Task A_point_that_is_compared_with_cannot_be_deleted_until_its_client_is_gone()
    {
        var point = Point();
        using (Open("volume", point.Id.ToString(), out _))
        {
            Should.Throw<DrException>(() => _stand.Volume.DeletePoint(point.Id)).Message.ShouldContain("changes since point");
        }

        await Eventually.TrueAsync("the client's connection ended", () => _stand.Server.Server.ConnectionCount == 0);
        _stand.Volume.DeletePoint(point.Id).ShouldBeTrue();
    }

    [Fact]
    public void Full_copy_and_only_the_dirty_ranges_of_later_points_are_the_same_content()
    {
        var random = new Random(8);
        using var writer = _stand.Server.Attach();
        var backup = new byte[Size];
        PointInfo? last = null;
        for (var round = 0; round < 6; round++)
        {
            for (var write = 0; write < 25; write++)
            {
                var (offset, length) = RandomRange(random);
                writer.Write((ulong)offset, Noise(random, length)).ShouldBe(NbdError.None);
            }

            var point = Point();

            // Meanwhile the volume goes on, which the copy of the point must not see.
            writer.Write((ulong)RandomRange(random).Offset, Noise(random, 100)).ShouldBe(NbdError.None);
            var export = $"volume@{point.Id}";
            if (last is null)
            {
                using var reader = _stand.Server.Attach(export, structured: true);
                reader.Read(0, (int)Size).CopyTo(backup, 0);
            }
            else
            {
                using var reader = Open(export, last.Id.ToString(), out var context);
                long position = 0;
                foreach (var (length, status) in reader.Status(0, (ulong)Size)[context])
                {
                    if (status == 1)
                    {
                        reader.Read((ulong)position, (int)length).CopyTo(backup, position);
                    }

                    position += length;
                }
            }

            using var whole = _stand.Server.Attach(export, structured: true);
            whole.Read(0, (int)Size).AsSpan().SequenceEqual(backup).ShouldBeTrue($"round {round}");
            last = point;
        }
    }

    private static (int Offset, int Length) RandomRange(Random random)
    {
        var offset = random.Next(0, (int)Size - 1);
        var length = random.Next(3) == 0 ? random.Next(1, 3000) : random.Next(1, 60) * Block;
        if (random.Next(2) == 0)
        {
            offset &= ~(Block - 1);
        }

        return (offset, Math.Min(length, (int)Size - offset));
    }

    private static byte[] Noise(Random random, int length)
    {
        var data = new byte[length];
        random.NextBytes(data);
        return data;
    }

    private static void Agree(ScriptedClient client, bool isExtended)
    {
        if (isExtended)
        {
            client.AgreeExtendedHeaders();
        }
        else
        {
            client.AgreeStructuredReplies();
        }
    }

    private PointInfo Point(string? label = null) => _stand.Volume.CreatePoint(label, PointConsistency.Crash, reason: null);

    private ScriptedClient Open(string export, string point, out uint context)
    {
        var client = _stand.Server.Connect();
        client.Greet();
        client.AgreeStructuredReplies();
        context = client.SelectContexts(export, $"qemu:dirty-bitmap:{point}").Values.ShouldHaveSingleItem();
        client.Go(export);
        return client;
    }

    private void AssertChanges(string export, string point, bool[] expected)
    {
        using var client = Open(export, point, out var context);
        Bits(client, context).SequenceEqual(expected).ShouldBeTrue($"{export} since {point}");
    }

    private static bool[] Bits(ScriptedClient client, uint context)
    {
        var bits = new bool[Blocks];
        long position = 0;
        uint? before = null;
        foreach (var (length, status) in client.Status(0, (ulong)Size)[context])
        {
            status.ShouldNotBe(before ?? 2u, "equal neighbours were not merged");
            (length % Block).ShouldBe(0);
            bits.AsSpan((int)(position / Block), (int)(length / Block)).Fill(status == 1);
            position += length;
            before = status;
        }

        position.ShouldBe(Size);
        return bits;
    }
}

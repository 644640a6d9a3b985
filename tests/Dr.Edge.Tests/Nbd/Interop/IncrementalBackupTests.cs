using System.Text.Json;
using Dr.Contracts.Mqtt;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>What backup tools do with <c>qemu:dirty-bitmap</c>: a full copy once, then only the ranges that the tools report as changed.</summary>
public sealed class IncrementalBackupTests
{
    private const int Size = 64 * 1024 * 1024;

    [Fact]
    public async Task Nbdinfo_and_qemu_img_report_the_same_changes_and_copying_only_those_gives_the_same_content()
    {
        await using var stand = await StoreServer.StartAsync(Size);
        var backup = stand.Server.Scratch("backup.img");
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 1 0 16M", "-c", "write -P 2 40M 8M", stand.Uri("volume"));
        var before = stand.Volume.CreatePoint("monday", PointConsistency.Crash, reason: null);
        await Tool.RunAsync("nbdcopy", stand.Uri($"volume@{before.Id}"), backup);

        for (var round = 1; round <= 2; round++)
        {
            await Tool.RunAsync("qemu-io", "-f", "raw", "-c", $"write -P {round + 10} {round}M 300k", "-c", $"write -z {40 + round}M 64k", "-c", $"discard {44 + round}M 128k", "-c", $"write -P 5 {round * 1000} 10", stand.Uri("volume"));
            var after = stand.Volume.CreatePoint(null, PointConsistency.Crash, reason: null);
            var export = $"volume@{after.Id}";
            using var nbdinfo = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", $"--map=qemu:dirty-bitmap:{before.Id}", "--json", stand.Uri(export)));
            var changed = nbdinfo.RootElement.EnumerateArray().Where(run => run.GetProperty("type").GetInt64() == 1)
                .Select(run => (Offset: run.GetProperty("offset").GetInt64(), Length: run.GetProperty("length").GetInt64())).ToList();
            changed.Sum(run => run.Length).ShouldBe((300 + 64 + 128 + 4) * 1024);

            // QEMU shows a dirty range as one without data.
            using var qemu = JsonDocument.Parse(await Tool.RunAsync(
                "qemu-img", "map", "--output=json", "--image-opts", $"driver=nbd,server.type=unix,server.path={stand.Server.SocketPath},export={export},x-dirty-bitmap=qemu:dirty-bitmap:{before.Id}"));
            qemu.RootElement.EnumerateArray().Where(run => !run.GetProperty("data").GetBoolean()).Select(run => (run.GetProperty("start").GetInt64(), run.GetProperty("length").GetInt64())).ShouldBe(changed);

            await using (var file = new FileStream(backup, FileMode.Open))
            {
                using var reader = stand.Server.Attach(export);
                foreach (var (offset, length) in changed)
                {
                    file.Position = offset;
                    file.Write(reader.Read((ulong)offset, (int)length));
                }
            }

            await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", backup, stand.Uri(export));
            before = after;
        }
    }

    [Fact]
    public async Task The_list_tells_a_person_what_everything_is()
    {
        await using var stand = await StoreServer.StartAsync(Size);
        var point = stand.Volume.CreatePoint("before the upgrade", PointConsistency.Application, reason: null);
        stand.Store.CreateClone(stand.Volume, point.Id, "trial");
        using var list = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--list", "--json", $"nbd://{stand.Server.Tcp}"));
        var exports = list.RootElement.GetProperty("exports").EnumerateArray().ToDictionary(export => export.GetProperty("export-name").GetString()!, export => export.GetProperty("description").GetString()!, StringComparer.Ordinal);
        exports["volume"].ShouldStartWith("primary, epoch 1, 1 point of 20");
        exports[$"volume@{point.Id}"].ShouldMatch("^point of 20[-0-9T:.]+Z, application-consistent, before the upgrade$");
        exports["trial"].ShouldMatch("^clone of volume at 20[-0-9T:.]+Z, primary, epoch 1$");
        exports.Count.ShouldBe(3);
        using var contexts = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--json", stand.Uri("volume")));
        contexts.RootElement.GetProperty("exports")[0].GetProperty("contexts").EnumerateArray().Select(context => context.GetString()).ShouldBe(["base:allocation", "qemu:allocation-depth", $"qemu:dirty-bitmap:{point.Id}"]);
    }
}

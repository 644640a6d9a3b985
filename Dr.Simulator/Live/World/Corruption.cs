using System.Text.Json;
using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.Judging;

namespace Dr.Simulator.Live.World;

/// <summary>What became of flipped bits.</summary>
/// <param name="Where">Volume, site, file and byte.</param>
/// <param name="Found">By what it was found; null = nobody found it, though a whole check was made.</param>
/// <param name="Served">Damaged content came out of the copy: the worst that can be.</param>
internal sealed record CorruptionFinding(string Where, string? Found, bool Served);

/// <summary>
/// Flips bits in a file of a copy while its machine is off, and holds the appliance to what it promises: the damage is found and told, and never served. Then it does what an operator does who has another copy: makes the damaged one
/// anew from the good one.
/// </summary>
internal sealed class Corruption(LiveWorld world, Action<string> note)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public async Task<CorruptionFinding?> StrikeAsync(string site, double draw, CancellationToken cancellationToken)
    {
        var system = world.Systems.Where(s => s.Home != site).OrderBy(s => s.Id, StringComparer.Ordinal).ToArray() is var copies ? copies[(int)(draw * 997) % copies.Length] : null!;
        var (status, shown) = await world.EdgeAsync(site, "volume", "show", system.Id, "--json");
        if (status != 0)
        {
            note($"the copy of {system.Id} at {site} cannot be looked at: {shown.Trim()}");
            return null;
        }

        var id = Id(shown);
        await world.PowerOffAsync(site);
        var where = Flip(world.VolumeFolder(site, id), draw);
        await world.Sites[site].BootAsync(cancellationToken);
        if (where is null)
        {
            note($"the copy of {system.Id} at {site} holds nothing yet that could be damaged");
            return null;
        }

        note($"flipped bits: {system.Id} at {site}, {where}");
        var finding = await JudgeAsync(system, site, where);
        note(finding.Found is { } by ? $"found: {by}" : "NOT FOUND");
        await RenewAsync(system, site, cancellationToken);
        return finding;
    }

    /// <summary>Flips a bit in each of three places of the largest file that has any data there. Where; null when there is none.</summary>
    internal static string? Flip(string folder, double draw)
    {
        var files = Directory.EnumerateFiles(Path.Combine(folder, "layers"), "*.log").Append(Path.Combine(folder, "base.img"))
            .Where(File.Exists).Select(f => new FileInfo(f)).Where(f => f.Length > 64 * 1024).OrderByDescending(f => f.Extension == ".log").ThenByDescending(f => f.Length).ToArray();
        foreach (var file in files)
        {
            using var stream = new FileStream(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            List<long> flipped = [];
            for (var n = 0; n < 3; n++)
            {
                // In the first three quarters: a damaged end may rightly be taken for a write that was torn by the power cut.
                if (Data(stream, (long)(((draw + n) / 3 * 0.75 * (file.Length - 8192)) + 4096)) is { } at)
                {
                    stream.Position = at;
                    var value = stream.ReadByte();
                    stream.Position = at;
                    stream.WriteByte((byte)(value ^ (1 << (n + 1))));
                    flipped.Add(at);
                }
            }

            if (flipped.Count > 0)
            {
                return $"{file.Name}, bytes {string.Join(", ", flipped)} of {file.Length}";
            }
        }

        return null;
    }

    /// <summary>The next byte from there on that is not zero: holes hold nothing.</summary>
    private static long? Data(FileStream stream, long from)
    {
        stream.Position = from;
        var buffer = new byte[64 * 1024];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            if (buffer.AsSpan(0, read).IndexOfAnyExcept((byte)0) is >= 0 and var at)
            {
                return stream.Position - read + at;
            }
        }

        return null;
    }

    private async Task<CorruptionFinding> JudgeAsync(LiveSystem system, string site, string where)
    {
        var (verified, said) = await world.EdgeAsync(site, "verify", system.Id);
        var found = verified == 0 ? null : $"dr-edge verify: {FirstLine(said)}";

        // What comes out of the damaged copy must be right, or nothing at all.
        var image = world.Scratch($"damaged-{system.Id}.img");
        var served = false;
        var (exported, _) = await world.EdgeAsync(site, "export", system.Id, image);
        if (exported == 0 && !system.HasDatabase)
        {
            await using var stream = File.OpenRead(image);
            served = NumberedVolume.Read(stream).Damaged.Count > 0;
        }

        File.Delete(image);
        return new CorruptionFinding($"{system.Id} at {site}, {where}", found, served);
    }

    /// <summary>The damaged copy goes, and comes anew from the good one.</summary>
    private async Task RenewAsync(LiveSystem system, string site, CancellationToken cancellationToken)
    {
        var (home, peer) = (LivePlaces.Other(site), LiveWorld.PeerAddress(site));
        var writers = world.Writers.GetValueOrDefault(system.Id);
        await MustAsync(home, cancellationToken, "copy", "remove", system.Id, "--peer", peer);
        writers?.StayAway(site);
        await MustAsync(site, cancellationToken, "volume", "delete", system.Id);
        writers?.StayAway(null);
        await MustAsync(home, cancellationToken, "copy", "add", system.Id, "--peer", peer, "--mode", system.Copy);
        note($"the copy of {system.Id} at {site} is made anew");
    }

    private async Task MustAsync(string site, CancellationToken cancellationToken, params string[] arguments)
    {
        var said = "";
        await Wait.UntilAsync(
            $"dr-edge {string.Join(' ', arguments)} at {site} to be done",
            async () =>
            {
                (var status, said) = await world.EdgeAsync(site, arguments);
                return status == 0;
            },
            Patience,
            cancellationToken,
            () => said.Trim());
    }

    private static string Id(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("id").GetString()!;
    }

    private static string FirstLine(string text) => text.Trim().Split('\n')[0];
}

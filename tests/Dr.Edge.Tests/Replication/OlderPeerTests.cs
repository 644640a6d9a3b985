using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using Dr.Edge.Volumes.Digests;

namespace Dr.Edge.Tests.Replication;

/// <summary>Two appliances are never updated in one instant: each version speaks to those before it, in either role.</summary>
public sealed class OlderPeerTests : TwoNodeTest
{
    public static TheoryData<int, bool> Pairs
    {
        get
        {
            var pairs = new TheoryData<int, bool>();
            for (var version = Hello.OldestSupported; version < Hello.CurrentVersion; version++)
            {
                pairs.Add(version, true);
                pairs.Add(version, false);
            }

            return pairs;
        }
    }

    [Fact]
    public void A_commit_to_a_version_before_the_digest_of_checksums_carries_the_digest_of_content()
    {
        (Hello.WithChecksumDigest - 1).DigestOfCommit().ShouldBe(DigestKind.Content);
        Hello.WithChecksumDigest.DigestOfCommit().ShouldBe(DigestKind.Checksums);
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Deltas_go_between_this_version_and_an_older_one(int older, bool sourceIsOlder)
    {
        var node = sourceIsOlder ? Production : Backup;
        node.NewestVersion = older;
        await node.RestartAsync();
        var random = new Random(older);
        var volume = Production.Set.Create("v", 4 << 20);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Delta, null, default);
        for (var round = 0; round < 2; round++)
        {
            volume.WriteRandom(random, 20);
            volume.Point();
            await SyncAsync(volume);
        }

        Backup.Set.Get("v").ShouldHoldTheSameAs(volume);
        Production.Copies.Of(volume)[0].ToStatus().DivergentBlocks.ShouldBe(0);
    }
}

using CsCheck;
using Dr.Silo.Ingress;

namespace Dr.Silo.Tests.Ingress;

public sealed class RendezvousHashingProperties
{
    private static readonly Gen<string[]> Clusters = Gen.Select(Gen.Int[1, 8], Gen.UInt, (count, seed) => Enumerable.Range(0, count).Select(i => $"10.0.{seed % 200}.{i + 1}:{11111 + (seed % 1000)}").ToArray());

    [Fact]
    public void Every_partition_has_exactly_one_silo_whoever_asks_and_in_whatever_order() => Clusters.Sample(
        silos =>
        {
            var shares = silos.ToDictionary(s => s, s => RendezvousHashing.ShareOf(s, [.. silos.Reverse()]));
            shares.Values.SelectMany(s => s).Order().ShouldBe(Enumerable.Range(0, Contracts.Mqtt.Topics.PartitionCount).Select(p => (byte)p));
            shares.ShouldAllBe(share => share.Value.All(p => RendezvousHashing.OwnerOf(p, silos) == share.Key));
        },
        iter: 1_000);

    [Fact]
    public void When_a_silo_goes_only_its_partitions_move_and_when_it_comes_it_only_takes() => Gen.Select(Clusters, Gen.Byte, Gen.Int[0, 7]).Sample(
        (silos, partition, index) =>
        {
            var gone = silos[index % silos.Length];
            var rest = silos.Where(s => s != gone).ToArray();
            var (with, without) = (RendezvousHashing.OwnerOf(partition, silos), RendezvousHashing.OwnerOf(partition, rest));
            if (with != gone)
            {
                without.ShouldBe(with);
            }
        },
        iter: 10_000);

    [Fact]
    public void Shares_are_about_equal()
    {
        string[] silos = ["10.0.0.1:11111", "10.0.0.2:11111", "10.0.0.3:11111"];

        silos.ShouldAllBe(silo => RendezvousHashing.ShareOf(silo, silos).Count > 60);
    }

    [Fact]
    public void Who_is_no_member_has_no_share() => RendezvousHashing.ShareOf("10.0.0.9:1", ["10.0.0.1:1"]).ShouldBeEmpty();

    /// <summary>Silos of two versions share one cluster during an upgrade: if this fails they would disagree about who hears whom.</summary>
    [Fact]
    public void The_weights_are_those_of_every_version()
    {
        RendezvousHashing.Weight("10.0.0.1:11111", 0x00).ShouldBe(3169047512272577167UL);
        RendezvousHashing.Weight("10.0.0.1:11111", 0xff).ShouldBe(8335150965263734508UL);
    }
}

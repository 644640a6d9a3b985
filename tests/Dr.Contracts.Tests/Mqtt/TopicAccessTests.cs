using CsCheck;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Contracts.Tests.Mqtt;

/// <summary>A device's certificate reaches its own topics and nobody else's.</summary>
public sealed class TopicAccessTests
{
    private static readonly DeviceId Kiosk = new("kiosk-1");
    private static readonly DeviceId Other = new("kiosk-2");

    private static readonly string[] Levels = ["dr", "v1", "+", "#", "kiosk-1", "kiosk-2", "up", "down", "state", "birth", "command", "00", "", Topics.Device(Kiosk), Topics.Device(Other)];

    private static readonly Gen<string> Level = Gen.Int[0, Levels.Length - 1].Select(index => Levels[index]);

    [Fact]
    public void A_device_has_what_the_link_needs()
    {
        foreach (var channel in new[] { UpChannel.Birth, UpChannel.Beat, UpChannel.Data, UpChannel.Result })
        {
            TopicAccess.MayPublish("kiosk-1", Topics.Up(Kiosk, channel)).ShouldBeTrue(channel);
        }

        TopicAccess.MayPublish("kiosk-1", Topics.State(Kiosk)).ShouldBeTrue();
        Topics.DownFilters(Kiosk).ShouldAllBe(filter => TopicAccess.MaySubscribe("kiosk-1", filter));
        TopicAccess.MayConnect("kiosk-1", "kiosk-1").ShouldBeTrue();
    }

    [Fact]
    public void A_device_has_nothing_of_another()
    {
        TopicAccess.MayConnect("kiosk-1", "kiosk-2").ShouldBeFalse();
        TopicAccess.MayConnect("kiosk-1", "silo-1").ShouldBeFalse();
        TopicAccess.MayPublish("kiosk-1", Topics.State(Other)).ShouldBeFalse();
        TopicAccess.MayPublish("kiosk-1", Topics.Down(Kiosk, DownChannel.Command)).ShouldBeFalse("it would command itself");
        TopicAccess.MaySubscribe("kiosk-1", "dr/v1/+/+/down/command").ShouldBeFalse();
        TopicAccess.MaySubscribe("kiosk-1", "#").ShouldBeFalse();
        TopicAccess.MaySubscribe("kiosk-1", Topics.Device(Kiosk) + "/#").ShouldBeFalse("more than it needs");
    }

    [Fact]
    public void The_control_plane_has_everything_below_the_root_and_no_device_its_name()
    {
        TopicAccess.MayConnect(TopicAccess.ControlPlane, "silo-a-1").ShouldBeTrue();
        TopicAccess.MayConnect(TopicAccess.ControlPlane, "kiosk-1").ShouldBeFalse("it would push the device out");
        TopicAccess.MayConnect(TopicAccess.ControlPlane, TopicAccess.ControlPlane).ShouldBeFalse();
        Topics.UpFilters("+").ShouldAllBe(filter => TopicAccess.MaySubscribe(TopicAccess.ControlPlane, filter));
        TopicAccess.MayPublish(TopicAccess.ControlPlane, Topics.Down(Kiosk, DownChannel.Command)).ShouldBeTrue();
        TopicAccess.MayPublish(TopicAccess.ControlPlane, "$SYS/x").ShouldBeFalse();
    }

    [Fact]
    public void No_topic_or_filter_of_a_device_ever_matches_one_of_another() =>
        Level.List[1, 8].Sample(
            levels =>
            {
                var topic = string.Join('/', levels);
                if (TopicAccess.MayPublish("kiosk-1", topic) || TopicAccess.MaySubscribe("kiosk-1", topic))
                {
                    topic.ShouldStartWith(Topics.Device(Kiosk) + "/");
                }
            },
            iter: 10_000);
}

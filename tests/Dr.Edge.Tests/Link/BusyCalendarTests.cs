using Dr.Contracts.Mqtt;
using Dr.Edge.Link;

namespace Dr.Edge.Tests.Link;

public sealed class BusyCalendarTests
{
    private static readonly DeviceConfig Library = new()
    {
        Version = 1,
        TimeZone = "Asia/Shanghai",
        BusyHours = Enum.GetValues<DayOfWeek>().Where(d => d != DayOfWeek.Monday).ToDictionary(d => d, _ => "09:00-20:00"),
    };

    [Theory]
    [InlineData("2012-03-06T01:00:00Z", (int)HourClass.Busy)] // Tuesday 09:00 in Shenzhen
    [InlineData("2012-03-06T00:59:59Z", (int)HourClass.Idle)]
    [InlineData("2012-03-06T12:00:00Z", (int)HourClass.Idle)] // 20:00
    [InlineData("2012-03-05T04:00:00Z", (int)HourClass.Idle)] // Monday noon: closed
    public void Opening_hours_are_counted_in_the_branchs_own_time(string at, int expected) =>
        new BusyCalendar(Library).At(DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture)).ShouldBe((HourClass)expected);

    [Theory]
    [InlineData("nonsense", "UTC")]
    [InlineData("20:00-09:00", "UTC")]
    [InlineData("09:00-10:00", "No/Where")]
    public void What_cannot_be_understood_counts_as_busy(string hours, string zone)
    {
        var config = new DeviceConfig { Version = 1, TimeZone = zone, BusyHours = Enum.GetValues<DayOfWeek>().ToDictionary(d => d, _ => hours) };
        new BusyCalendar(config).At(DateTimeOffset.Parse("2012-03-06T23:00:00Z", System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(HourClass.Busy);
    }

    [Fact]
    public void Without_hours_it_is_always_busy() => new BusyCalendar(new DeviceConfig { Version = 0 }).At(DateTimeOffset.UnixEpoch).ShouldBe(HourClass.Busy);
}

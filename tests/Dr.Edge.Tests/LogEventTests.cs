using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Tests;

/// <summary>An event id names one message: whoever filters or counts by id must not get another part's.</summary>
public sealed class LogEventTests
{
    [Fact]
    public void No_event_id_is_used_twice()
    {
        var messages = typeof(Dr.Edge.Volumes.Volume).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => (Method: method, Message: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(entry => entry.Message is not null)
            .ToList();
        messages.Count.ShouldBeGreaterThan(20);
        messages.GroupBy(entry => entry.Message!.EventId).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(entry => $"{entry.Method.DeclaringType!.Name}.{entry.Method.Name}"))}").ShouldBeEmpty();
    }

    [Fact]
    public void The_nbd_server_keeps_to_its_own_ids()
    {
        var ids = typeof(Dr.Edge.Volumes.Volume).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("Dr.Edge.Nbd", StringComparison.Ordinal) == true)
            .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId).OfType<int>();
        ids.ShouldAllBe(id => (id >= 1130 && id < 1140) || (id >= 1200 && id < 1230));
    }
}

using Dr.Contracts.Mqtt.Client;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>A broker the link suite runs against; it comes back on the same port with an empty memory.</summary>
public interface ITestBroker : IAsyncDisposable
{
    BrokerAddress Address { get; }

    Task StartAsync();

    /// <summary>Gone without a word.</summary>
    Task KillAsync();
}

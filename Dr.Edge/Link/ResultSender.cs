using Dr.Contracts.Mqtt.Client;
using Dr.Edge.Buffers;

namespace Dr.Edge.Link;

/// <summary>Sends progress and results over one connection, and the unconfirmed results again: at the birth, then every <see cref="LinkOptions.ResultRepeat"/>.</summary>
internal sealed class ResultSender(IBrokerConnection connection, LinkOptions options, CommandService commands, EdgeBuffer buffer, TimeProvider time)
{
    public Task RunAsync(CancellationToken cancellationToken) => LinkTasks.FirstEndsAllAsync(cancellationToken, SendNewAsync, RepeatAsync);

    private async Task SendNewAsync(CancellationToken cancellationToken)
    {
        await foreach (var result in commands.Outgoing.ReadAllAsync(cancellationToken))
        {
            await PublishAsync(result, cancellationToken);
        }
    }

    private async Task RepeatAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.ResultRepeat, time);
        do
        {
            foreach (var result in await buffer.UnconfirmedResultsAsync(cancellationToken))
            {
                await PublishAsync(result, cancellationToken);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private Task PublishAsync(CommandResult result, CancellationToken cancellationToken) =>
        connection.PublishAsync(OutboundMessage.Of(Topics.Up(options.Device, UpChannel.Result), result, MqttJson.Default.CommandResult, atLeastOnce: true), cancellationToken);
}

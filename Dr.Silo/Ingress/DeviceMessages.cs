using Dr.Contracts.Mqtt.Client;

namespace Dr.Silo.Ingress;

/// <summary>Turns one message of a device into a call, and what comes back into the acknowledgement to publish.</summary>
internal sealed class DeviceMessages(IDeviceCalls calls, IDeadLetters deadLetters, TimeProvider time)
{
    /// <summary>The acknowledgement for the device, or null.</summary>
    public async Task<DownAck?> HandleAsync(DeviceId device, string channel, InboundMessage message, CancellationToken cancellationToken)
    {
        string reason;
        switch (channel)
        {
            case $"up/{UpChannel.Beat}" when message.TryDecode(MqttJson.Default.Beat, out var beat, out reason):
                return await calls.OnBeatAsync(device, beat, cancellationToken);

            case $"up/{UpChannel.Data}" when message.TryDecode(MqttJson.Default.DataBatch, out var batch, out reason):
                if (Unfit(batch) is { } fault)
                {
                    reason = fault;
                    break;
                }

                return WithGap(await calls.OnDataAsync(device, batch, cancellationToken), batch);

            case $"up/{UpChannel.Result}" when message.TryDecode(MqttJson.Default.CommandResult, out var result, out reason):
                await calls.OnResultAsync(device, result, cancellationToken);
                return result.Outcome == CommandOutcome.Progress ? null : new DownAck { ServerTime = time.GetUtcNow(), Results = [result.Id] };

            case $"up/{UpChannel.Birth}" when message.TryDecode(MqttJson.Default.Birth, out var birth, out reason):
                await calls.OnBirthAsync(device, birth, cancellationToken);
                return null;

            case StateChannel.Name when message.Payload.IsEmpty:
                // A retained state that somebody removed by hand.
                return null;

            case StateChannel.Name when message.TryDecode(MqttJson.Default.DeviceState, out var state, out reason):
                await calls.OnStateAsync(device, state, cancellationToken);
                return null;

            default:
                message.TryDecode(MqttJson.Default.DeviceState, out _, out reason);
                break;
        }

        await deadLetters.AddAsync(message.Topic, message.Payload, reason, cancellationToken);
        return null;
    }

    /// <summary>What no honest device sends: such a batch must not reach the storage, and an acknowledgement would claim that it did.</summary>
    private static string? Unfit(DataBatch batch) => batch switch
    {
        { Lane: < 0 or > 2 } => $"lane {batch.Lane}",
        { First: < 1 } => $"first sequence {batch.First}",
        { Rows.Count: 0 or > LinkLimits.BatchRowsMax } => $"{batch.Rows.Count} rows",
        _ when batch.Rows.Any(r => r is null || r.Kind is null || r.Body is null) => "a row without kind or body",
        _ => null,
    };

    /// <summary>The grain answers with the high-water; that rows are missing before this batch follows from it.</summary>
    private static DownAck WithGap(DownAck ack, DataBatch batch) => ack with
    {
        Lanes = [.. ack.Lanes.Select(l => l.Stream == batch.Stream && l.Lane == batch.Lane ? l with { Gap = l.HighWater < batch.First - 1 } : l)],
    };
}

using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Ingress;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Silo.Tests.Ingress;

public sealed class DeviceDispatcherTests
{
    private static readonly DeviceId Device = new("kiosk-1");

    [Fact]
    public async Task A_message_that_its_grain_cannot_stand_is_released_and_the_next_one_is_handled()
    {
        var calls = new Calls();
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var dispatcher = new DeviceDispatcher(new DeviceMessages(calls, new NoLetters(), TimeProvider.System), (_, _, _) => Task.CompletedTask, new IngressOptions { Concurrency = 1 }, NullLogger.Instance);
        var released = 0;
        await PostAsync(_ => { released++; return Task.CompletedTask; });

        // Nor does one whose release fails.
        await PostAsync(_ => throw new NotSupportedException("the library has lost its channel"));
        await PostAsync(_ => { heard.TrySetResult(); return Task.CompletedTask; });
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(10));
        released.ShouldBe(1);

        ValueTask PostAsync(Func<CancellationToken, Task> acknowledge)
        {
            var state = OutboundMessage.Of(Topics.State(Device), new DeviceState { Online = true, Epoch = 1 }, MqttJson.Default.DeviceState, atLeastOnce: true);
            return dispatcher.PostAsync(Device, StateChannel.Name, new InboundMessage(state.Topic, state.Payload.ToArray(), state.ContentType, retained: false, acknowledge), CancellationToken.None);
        }
    }

    private sealed class Calls : IDeviceCalls
    {
        private int _calls;


        public Task OnStateAsync(DeviceId device, DeviceState state, CancellationToken cancellationToken) =>
            ++_calls > 2 ? Task.CompletedTask : throw new InvariantException("a grain's broken invariant comes through the call");

        public Task OnBirthAsync(DeviceId device, Birth birth, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<DownAck?> OnBeatAsync(DeviceId device, Beat beat, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<DownAck> OnDataAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task OnResultAsync(DeviceId device, CommandResult result, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private sealed class NoLetters : IDeadLetters
    {
        public Task AddAsync(string topic, ReadOnlyMemory<byte> payload, string reason, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

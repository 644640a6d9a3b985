using Dr.Contracts.Grains;

namespace Dr.Silo.Ingress;

/// <summary>Each device is a grain; its id is the key.</summary>
internal sealed class GrainDeviceCalls(IGrainFactory grains) : IDeviceCalls
{
    public Task OnBirthAsync(DeviceId device, Birth birth, CancellationToken cancellationToken) => Of(device).OnBirthAsync(birth).WaitAsync(cancellationToken);

    public Task OnStateAsync(DeviceId device, DeviceState state, CancellationToken cancellationToken) => Of(device).OnStateAsync(state).WaitAsync(cancellationToken);

    public Task<DownAck?> OnBeatAsync(DeviceId device, Beat beat, CancellationToken cancellationToken) => Of(device).OnBeatAsync(beat).WaitAsync(cancellationToken);

    public Task<DownAck> OnDataAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken) => Of(device).OnDataAsync(batch).WaitAsync(cancellationToken);

    public Task OnResultAsync(DeviceId device, CommandResult result, CancellationToken cancellationToken) => Of(device).OnResultAsync(result).WaitAsync(cancellationToken);

    private IDeviceGrain Of(DeviceId device) => grains.GetGrain<IDeviceGrain>(device.Value);
}

namespace Dr.Silo.Ingress;

/// <summary>What the ingress hands over per device; <see cref="GrainDeviceCalls"/> calls the device's grain.</summary>
internal interface IDeviceCalls
{
    Task OnBirthAsync(DeviceId device, Birth birth, CancellationToken cancellationToken);

    Task OnStateAsync(DeviceId device, DeviceState state, CancellationToken cancellationToken);

    Task<DownAck?> OnBeatAsync(DeviceId device, Beat beat, CancellationToken cancellationToken);

    /// <summary>Returns after the commit.</summary>
    Task<DownAck> OnDataAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken);

    /// <summary>Returns after the commit of a final result.</summary>
    Task OnResultAsync(DeviceId device, CommandResult result, CancellationToken cancellationToken);
}

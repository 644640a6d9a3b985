using System.Runtime.CompilerServices;
using System.Text.Json;
using Dr.Contracts.Wire;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication.Mirror;

/// <summary>What a copy was last told about itself by its primary, on its disk: <c>mirror.json</c> in the volume's directory. Holds only at the epoch it was told at.</summary>
internal sealed record MirrorBelief(long Record, MirrorState State, LossPolicy OnLoss, long Epoch, DateTimeOffset ToldAt)
{
    private const string FileName = "mirror.json";

    // Read once: beats tell of it, and must not wait for a disk that hangs. One process has a volume, and it alone writes the file.
    private static readonly ConditionalWeakTable<Volume, StrongBox<MirrorBelief?>> Known = [];

    /// <summary>What answers wait for. What an older program wrote, or was told by an older one, was about durable writes.</summary>
    public MirrorAck Ack { get; init; } = MirrorAck.Durable;

    /// <summary>Which start of the machine it was told in; null when that is not known.</summary>
    public string? Boot { get; init; }

    public static MirrorBelief From(MirrorNotice notice, Epoch epoch, DateTimeOffset at) =>
        new(notice.Record, notice.State, notice.OnLoss, epoch.Value, at) { Ack = notice.Ack ?? MirrorAck.Durable, Boot = MachineStart.Id };

    /// <summary>Null when nobody said anything that still holds.</summary>
    public static MirrorBelief? Of(Volume volume) =>
        volume.Role == VolumeRole.Replica && Known.GetValue(volume, Read).Value is { } belief && belief.Epoch == volume.Epoch.Value ? belief : null;

    private static StrongBox<MirrorBelief?> Read(Volume volume)
    {
        var path = Path.Combine(volume.DirectoryPath, FileName);
        try
        {
            return new(File.Exists(path) ? JsonSerializer.Deserialize<MirrorBelief>(File.ReadAllBytes(path), ControlJson.Readable) : null);
        }
        catch (JsonException)
        {
            return new(null); // Damaged: then nothing is known, which never counts as whole.
        }
    }

    /// <summary>What is here turned out not to be what the primary answered, or is about to go: the copy is not whole before its primary says so again. Durable on return.</summary>
    public static void Doubt(Volume volume, DateTimeOffset at)
    {
        if (Of(volume) is { State: MirrorState.Whole } belief)
        {
            (belief with { State = MirrorState.OutOfDate, ToldAt = at }).Write(volume);
        }
    }

    /// <summary>Durable on return.</summary>
    public void Write(Volume volume)
    {
        DurableFile.Replace(Path.Combine(volume.DirectoryPath, FileName), JsonSerializer.SerializeToUtf8Bytes(this, ControlJson.Readable), StoreFaults.None);
        Known.AddOrUpdate(volume, new(this));
        volume.RaiseStateChanged(); // Its reports tell of it.
    }

    /// <summary>True when no answered write can be missing here, whatever happened since it was told.</summary>
    public bool IsCertain => State == MirrorState.Whole && OnLoss == LossPolicy.Stall && !MayLackUnflushed;

    /// <summary>The machine was started since, and what had been answered and not flushed was in its memory. What the process loses without the machine is nothing.</summary>
    public bool MayLackUnflushed => State == MirrorState.Whole && Ack == MirrorAck.Applied && (Boot is null || Boot != MachineStart.Id);

    /// <summary>As its reports tell it: whole only when that still holds here.</summary>
    public MirrorState Reported => MayLackUnflushed ? MirrorState.OutOfDate : State;

    /// <summary>For people.</summary>
    public string Describe() => this switch
    {
        { State: MirrorState.None } => "not synchronous",
        { State: MirrorState.OutOfDate } => string.Create(CultureInfo.InvariantCulture, $"out of date (told {ToldAt:O})"),
        { IsCertain: true } => "whole",
        { MayLackUnflushed: true } => string.Create(CultureInfo.InvariantCulture, $"whole as of {ToldAt:O}; this machine was started since, so writes that were answered and not flushed may be missing"),
        _ => string.Create(CultureInfo.InvariantCulture, $"whole as of {ToldAt:O}; the primary may have gone on alone since"),
    };
}

using System.Text.Json;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication.Mirror;

/// <summary>What a copy was last told about itself by its primary, on its disk: <c>mirror.json</c> in the volume's directory. Holds only at the epoch it was told at.</summary>
internal sealed record MirrorBelief(long Record, MirrorState State, LossPolicy OnLoss, long Epoch, DateTimeOffset ToldAt)
{
    private const string FileName = "mirror.json";

    /// <summary>Null when nobody said anything that still holds.</summary>
    public static MirrorBelief? Of(Volume volume)
    {
        var path = Path.Combine(volume.DirectoryPath, FileName);
        if (volume.Role != VolumeRole.Replica || !File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<MirrorBelief>(File.ReadAllBytes(path), ControlJson.Readable) is { } belief && belief.Epoch == volume.Epoch.Value ? belief : null;
        }
        catch (JsonException)
        {
            return null; // Damaged: then nothing is known, which never counts as whole.
        }
    }

    /// <summary>Durable on return.</summary>
    public void Write(Volume volume) =>
        DurableFile.Replace(Path.Combine(volume.DirectoryPath, FileName), JsonSerializer.SerializeToUtf8Bytes(this, ControlJson.Readable), StoreFaults.None);

    /// <summary>True when no answered write can be missing here, whatever happened since it was told.</summary>
    public bool IsCertain => State == MirrorState.Whole && OnLoss == LossPolicy.Stall;

    /// <summary>For people.</summary>
    public string Describe() => this switch
    {
        { State: MirrorState.None } => "not synchronous",
        { State: MirrorState.OutOfDate } => string.Create(CultureInfo.InvariantCulture, $"out of date (told {ToldAt:O})"),
        { IsCertain: true } => "whole",
        _ => string.Create(CultureInfo.InvariantCulture, $"whole as of {ToldAt:O}; the primary may have gone on alone since"),
    };
}

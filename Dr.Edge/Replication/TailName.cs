namespace Dr.Edge.Replication;

/// <summary>The name of the clone that keeps a tail: the same tail always gets the same name, so that doing it again after a crash finds it.</summary>
internal static class TailName
{
    public static string For(string volume, Generation generation, SequenceNumber end)
    {
        var suffix = $"-tail-{generation.Value[..8]}-{end}";
        return (volume.Length + suffix.Length <= Names.MaxLength ? volume : volume[..(Names.MaxLength - suffix.Length)]) + suffix;
    }
}

namespace Dr.Simulator.Live.Judging;

/// <summary>What a volume of numbered records holds in the end.</summary>
/// <param name="Slots">How many records it has room for.</param>
/// <param name="Numbers">Every number that is there.</param>
/// <param name="Damaged">Slots that hold neither a record of theirs nor zeros.</param>
internal sealed record NumberedVolume(long Slots, IReadOnlySet<long> Numbers, IReadOnlyList<long> Damaged)
{
    /// <summary>Reads an image of it, record by record.</summary>
    /// <exception cref="IOException">The image cannot be read.</exception>
    public static NumberedVolume Read(Stream image)
    {
        HashSet<long> numbers = [];
        List<long> damaged = [];
        var slots = image.Length / NumberedRecord.Size;
        var block = new byte[NumberedRecord.Size];
        for (var slot = 0L; slot < slots; slot++)
        {
            image.ReadExactly(block);
            switch (NumberedRecord.Read(block))
            {
                case 0:
                    break;
                case { } number when number % slots == slot:
                    numbers.Add(number);
                    break;
                default:
                    damaged.Add(slot);
                    break;
            }
        }

        return new NumberedVolume(slots, numbers, damaged);
    }
}

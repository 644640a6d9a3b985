using Dr.Contracts.Ids;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>A copy as the dumbest possible model: every write it holds, each known by the generation that made it and its number.</summary>
internal sealed class ModelCopy
{
    public List<(Generation Generation, long Sequence)> Writes { get; private set; } = [];

    public List<GenerationStart> Chain { get; set; } = [];

    public List<PointMark> Points { get; private set; } = [];

    public long Appended => Writes.Count;

    /// <summary>Where its history begins: what lies before can be neither opened nor gone back to, and the generations that ended before it are forgotten.</summary>
    public long Floor { get; private set; }

    public CopyHistory History => new([.. Chain], new SequenceNumber(Appended));

    /// <summary>One in which nothing was written gives way, as in the store.</summary>
    public void BeginGeneration() => Chain = [.. Chain.Where(g => g.After.Value < Appended), new GenerationStart(Generation.New(), new SequenceNumber(Appended))];

    public void Write(int count)
    {
        if (Chain.Count == 0)
        {
            BeginGeneration();
        }

        for (var i = 0; i < count; i++)
        {
            Writes.Add((Chain[^1].Generation, Appended + 1));
        }
    }

    /// <summary>What was written up to a position goes into the base, as far as it is there; points before it are gone.</summary>
    public void Age(long position)
    {
        Floor = Math.Max(Floor, Math.Min(position, Appended));
        Chain = [.. Chain.Where((_, i) => i == Chain.Count - 1 || Chain[i + 1].After.Value >= Floor)];
        Points.RemoveAll(p => p.Sequence.Value < Floor);
    }

    public void TakePoint(ulong id) => Points.Add(new PointMark(new PointId(id), new SequenceNumber(Appended)));

    /// <summary>The copy follows <paramref name="source"/> up to a position; whoever calls has made sure that what is here is a beginning of it.</summary>
    public void CatchUp(ModelCopy source, long position)
    {
        var from = Appended;
        Writes.AddRange(source.Writes.GetRange((int)from, (int)(position - from)));
        Chain = [.. Chain.Where(g => g.After.Value < from), .. source.Chain.Where((g, i) => g.After.Value < position && source.History.EndOf(i).Value > from && !Chain.Contains(g))];
        foreach (var point in source.Points.Where(p => p.Sequence.Value <= position && !Points.Contains(p)))
        {
            Points.Add(point);
        }

        Points.Sort((a, b) => a.Sequence.CompareTo(b.Sequence));
    }

    /// <summary>Goes back; the caller keeps what is taken off.</summary>
    public void RewindTo(long position)
    {
        Writes.RemoveRange((int)position, (int)(Appended - position));
        Chain = [.. Chain.Where(g => g.After.Value < position)];
        Points.RemoveAll(p => p.Sequence.Value > position);
    }

    /// <summary>A delta from nothing: all of it is another's.</summary>
    public void Replace()
    {
        (Writes, Points, Floor) = ([], [], 0);
    }

    public long CommonWith(ModelCopy other)
    {
        var common = 0;
        while (common < Writes.Count && common < other.Writes.Count && Writes[common] == other.Writes[common])
        {
            common++;
        }

        return common;
    }

    public ModelCopy Clone()
    {
        var clone = new ModelCopy { Chain = [.. Chain], Floor = Floor };
        clone.Writes.AddRange(Writes);
        clone.Points.AddRange(Points);
        return clone;
    }
}

/// <summary>Two copies that lived through a random past together and apart.</summary>
internal static class ModelWorld
{
    /// <summary>Each step is one number: who does what. Two copies (0 and 1) and a stranger that never met them (2).</summary>
    public static ModelCopy[] Live(int[] steps)
    {
        ModelCopy[] copies = [new(), new(), new()];
        ulong point = 1;
        foreach (var step in steps)
        {
            var self = copies[step % 3];
            var other = copies[step % 3 == 0 ? 1 : 0];
            switch (step / 3 % 6)
            {
                case 0 or 1:
                    self.Write(1 + (step / 18 % 4));
                    break;
                case 2:
                    if (self.Chain.Count > 0)
                    {
                        self.BeginGeneration();
                    }

                    break;
                case 3:
                    self.TakePoint(point++);
                    break;
                case 4:
                    self.Age(self.Floor + (step / 18 % 5));
                    break;
                default:
                    if (step % 3 != 2 && self.Appended >= other.Floor && self.CommonWith(other) == self.Appended && self.Appended <= other.Appended)
                    {
                        self.CatchUp(other, self.Appended + ((other.Appended - self.Appended + 1) / 2));
                    }

                    break;
            }
        }

        return copies;
    }
}

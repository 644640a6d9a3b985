using System.Runtime.CompilerServices;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>How an incident ended for its users.</summary>
internal enum Remedy
{
    None,
    Restarted,
    StandbyHost,
    Mirror,
    RestoredFromPoint,
    TakenOver,
    Repointed,

    /// <summary>A person moved it, planned and without loss.</summary>
    Moved,

    /// <summary>Nothing of ours could act: people repaired it.</summary>
    PeopleOnly,
}

/// <summary>What was noticed first.</summary>
internal enum FirstSign
{
    /// <summary>Beats stayed away.</summary>
    Silence,

    /// <summary>The host's own checks failed.</summary>
    OwnReport,

    /// <summary>Users' machines reported that they are not served.</summary>
    Witnesses,
}

/// <summary>One line of the story.</summary>
internal sealed record StoryLine(DateTimeOffset At, string Who, string Text);

/// <summary>One fault of the log, striking in one of the two years.</summary>
internal sealed class Incident(FaultEntry fault, Breakage breakage, DateTimeOffset strike, bool dateDrawn, bool keepsStory = true)
{
    public bool KeepsStory { get; } = keepsStory;

    public FaultEntry Fault { get; } = fault;

    public Breakage Breakage { get; } = breakage;

    public DateTimeOffset Strike { get; } = strike;

    /// <summary>The log gives no date.</summary>
    public bool DateDrawn { get; } = dateDrawn;

    public List<StoryLine> Story { get; } = [];

    /// <summary>Service time lost per system, weighted by the share of users who were not served.</summary>
    public Dictionary<SystemId, TimeSpan> Lost { get; } = [];

    public DateTimeOffset? DetectedAt { get; set; }

    public FirstSign? DetectedBy { get; set; }

    /// <summary>When what the system did last brought users of each business system back, before people repaired the cause.</summary>
    public Dictionary<SystemId, DateTimeOffset> ServedAt { get; } = [];

    public DateTimeOffset? RepairedAt { get; set; }

    public TimeSpan? DataLost { get; set; }

    public Remedy Remedy { get; private set; } = Remedy.None;

    /// <summary>Users noticed, and nobody but people brought the service back.</summary>
    public void OnlyPeopleHelped()
    {
        if (ServedAt.Count == 0 && WorstLoss > TimeSpan.Zero)
        {
            Remedy = Remedy.PeopleOnly;
        }
    }

    /// <summary>Users were cut off from both sites: a second site cannot help them.</summary>
    public bool UsersCutOffFromBothSites { get; set; }

    public bool NoPolicy { get; set; }

    public int PeopleAsked { get; set; }

    public TimeSpan WorstLoss => Lost.Count == 0 ? TimeSpan.Zero : Lost.Values.Max();

    /// <summary>Recovery time: until the last of the business systems that could be helped served again.</summary>
    public TimeSpan? Recovery => ServedAt.Count == 0 ? null : ServedAt.Values.Max() - Strike;

    /// <summary>What helped: a system's own fault knows only its own remedy, an equipment fault the first that helped somebody.</summary>
    public void HelpedBy(SystemId system, Remedy remedy)
    {
        if (system == Fault.System || (Fault.Kind == SystemKind.Equipment && Remedy == Remedy.None))
        {
            Remedy = remedy;
        }
    }

    public void Tell(DateTimeOffset at, string who, string text)
    {
        if (KeepsStory)
        {
            Story.Add(new StoryLine(at, who, text));
        }
    }

    public void Tell(DateTimeOffset at, string who, [InterpolatedStringHandlerArgument("")] ref StoryText text)
    {
        if (KeepsStory)
        {
            Story.Add(new StoryLine(at, who, text.Take()));
        }
    }
}

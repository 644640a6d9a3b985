using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Decisions.Failover;

/// <summary>What can happen to a business system. Every event may come late, twice or out of order; the machine ignores what no longer applies.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemEvent")]
public abstract record SystemEvent
{
    /// <summary>Name as it stands in the table, the diagram and the audit.</summary>
    public string Name => GetType().Name;

    /// <summary>The person or part of the system behind it, for the audit.</summary>
    public virtual string Actor => "control plane";

    // Copies

    /// <summary>The policy asks for a copy at the other site.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.CopyConfigured")]
    public sealed record CopyConfigured : SystemEvent;

    /// <summary>The other site's copy is complete and follows the owner at <see cref="Epoch"/>.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.CopyCurrent")]
    public sealed record CopyCurrent([property: Id(0)] Epoch Epoch) : SystemEvent;

    /// <summary>The copy has to start anew or cannot be used (not: it lags, which is a condition).</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.CopyLost")]
    public sealed record CopyLost([property: Id(0)] string Reason) : SystemEvent;

    /// <summary>Both copies went on and the protocol could not settle it.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.CopyDiverged")]
    public sealed record CopyDiverged([property: Id(0)] string Detail) : SystemEvent;

    /// <summary>The site that is not the owner has its appliance back. Level-triggered: may be said again at any time.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.PeerReturned")]
    public sealed record PeerReturned : SystemEvent;

    /// <summary>Whether the owner's store, at <see cref="Epoch"/>, asks for its serving lease, so that it writes under none but one. Level-triggered.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.LeaseHeard")]
    public sealed record LeaseHeard([property: Id(0)] Epoch Epoch, [property: Id(1)] bool Asks) : SystemEvent;

    // Detection

    /// <summary>A beat of the owner is overdue.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Suspected")]
    public sealed record Suspected([property: Id(0)] double Phi, [property: Id(1)] string Detail) : SystemEvent
    {
        public override string Actor => "detector";
    }

    /// <summary>The owner was heard and serves its users: beats and checks are good.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.OwnerServes")]
    public sealed record OwnerServes : SystemEvent
    {
        public override string Actor => "detector";
    }

    /// <summary>Probes and witnesses have been weighed.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Classified")]
    public sealed record Classified([property: Id(0)] Verdict Verdict) : SystemEvent
    {
        public override string Actor => "detector";
    }

    /// <summary>Restart, standby and mirror inside the site did not bring it back.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.LocalRepairExhausted")]
    public sealed record LocalRepairExhausted([property: Id(0)] string Detail) : SystemEvent
    {
        public override string Actor => "local repair";
    }

    /// <summary>Answer to <see cref="SystemEffect.AssessTakeover"/>.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.TakeoverAssessed")]
    public sealed record TakeoverAssessed([property: Id(0)] RunId Run, [property: Id(1)] Assessment Assessment) : SystemEvent;

    // Fencing and ownership

    /// <summary>Answer to <see cref="SystemEffect.StopLeases"/>: none will be granted; the last was then (null = unknown).</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.LeasesStopped")]
    public sealed record LeasesStopped([property: Id(0)] RunId Run, [property: Id(1)] DateTimeOffset? LastGrantedAt) : SystemEvent;

    /// <summary>A proof that came another way than by a step's answer: the store read back, a fence device.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.FencingProven")]
    public sealed record FencingProven([property: Id(0)] RunId Run, [property: Id(1)] FencingProof Proof) : SystemEvent;

    /// <summary>The compare-and-swap succeeded, now or in an earlier attempt.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.OwnershipClaimed")]
    public sealed record OwnershipClaimed([property: Id(0)] RunId Run, [property: Id(1)] Ownership Owner) : SystemEvent
    {
        public override string Actor => "ledger";
    }

    /// <summary>The ledger holds something else than this state believes: a claim failed, or it was read.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.OwnershipMoved")]
    public sealed record OwnershipMoved([property: Id(0)] Ownership Actual) : SystemEvent
    {
        public override string Actor => "ledger";
    }

    // Steps

    /// <summary>A step is done.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.StepDone")]
    public sealed record StepDone([property: Id(0)] StepKey Key, [property: Id(1)] StepEvidence Evidence) : SystemEvent
    {
        public override string Actor => Key.Target.Value;
    }

    /// <summary>A step failed, was refused or expired. <paramref name="Fenced"/>: the executor has seen a higher epoch.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.StepFailed")]
    public sealed record StepFailed([property: Id(0)] StepKey Key, [property: Id(1)] int Attempt, [property: Id(2)] string Reason, [property: Id(3)] bool Fenced) : SystemEvent
    {
        public override string Actor => Key.Target.Value;
    }

    /// <summary>Deadlines are state: this only says that time went on. Repeat as often as you like.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.TimePassed")]
    public sealed record TimePassed : SystemEvent
    {
        public override string Actor => "clock";
    }

    // People

    /// <summary>What a person orders. Every order carries an id, so that the same one twice is one.</summary>
    [GenerateSerializer, Immutable, Alias("dr.SystemOrder")]
    public abstract record Order([property: Id(0)] string By) : SystemEvent
    {
        public override string Actor => By;
    }

    /// <summary>Failover: may lose what the copy has not received.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.StartFailover")]
    public sealed record StartFailover(string By, [property: Id(0)] RunId Run, [property: Id(1)] string Reason) : Order(By);

    /// <summary>The first of two people who take over by force: a failover that waits for the second one's statement and for nobody else.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.StartForce")]
    public sealed record StartForce(string By, [property: Id(0)] RunId Run, [property: Id(1)] string Reason, [property: Id(2)] string Statement) : Order(By);

    /// <summary>Move: planned, loses nothing; towards the other site, and so also the way home.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.StartMove")]
    public sealed record StartMove(string By, [property: Id(0)] RunId Run) : Order(By);

    [GenerateSerializer, Immutable, Alias("dr.ev.StartDrill")]
    public sealed record StartDrill(string By, [property: Id(0)] RunId Run) : Order(By);

    /// <summary>
    /// Go on with a run that waits for a person; <paramref name="AcceptLoss"/> raises the loss limit for this run only, and
    /// <see cref="PredictedLoss.Anything"/> accepts a loss that nobody knows.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Approve")]
    public sealed record Approve(string By, [property: Id(0)] RunId Run, [property: Id(1)] TimeSpan? AcceptLoss) : Order(By);

    /// <summary>Do not take over; automation is held until the given time.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Decline")]
    public sealed record Decline(string By, [property: Id(0)] RunId Run, [property: Id(1)] DateTimeOffset Until) : Order(By);

    [GenerateSerializer, Immutable, Alias("dr.ev.Commit")]
    public sealed record Commit(string By, [property: Id(0)] RunId Run) : Order(By);

    /// <summary>Give up what was written on trial and return to the old copy.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.RollBack")]
    public sealed record RollBack(string By, [property: Id(0)] RunId Run, [property: Id(1)] string Reason) : Order(By);

    /// <summary>Stop a run while that is still safe.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Abort")]
    public sealed record Abort(string By, [property: Id(0)] RunId Run) : Order(By);

    /// <summary>Try the step that ran out of attempts again.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Retry")]
    public sealed record Retry(string By, [property: Id(0)] RunId Run) : Order(By);

    /// <summary>Take over by force: one of two people states that the old owner is off. Two different ones are needed (<see cref="Failover.Attestation"/>).</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Attest.2")]
    public sealed record Attest(string By, [property: Id(0)] RunId Run, [property: Id(1)] string Statement) : Order(By);

    /// <summary>Believe the ledger and go on from what it says.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.Accept")]
    public sealed record Accept(string By, [property: Id(0)] Ownership Ledger) : Order(By);

    [GenerateSerializer, Immutable, Alias("dr.ev.Hold")]
    public sealed record Hold(string By, [property: Id(0)] DateTimeOffset Until, [property: Id(1)] string Reason) : Order(By);

    [GenerateSerializer, Immutable, Alias("dr.ev.Release")]
    public sealed record Release(string By) : Order(By);

    /// <summary>The copy that does not hold the current epoch gives way: its tail is kept as a clone.</summary>
    [GenerateSerializer, Immutable, Alias("dr.ev.ResolveDivergence")]
    public sealed record ResolveDivergence(string By) : Order(By);
}

/// <summary>Facts that a step's executor reported.</summary>
[GenerateSerializer, Immutable, Alias("dr.StepEvidence")]
public sealed record StepEvidence
{
    public static StepEvidence None { get; } = new();

    [Id(0)] public SequenceNumber? Sequence { get; init; }

    /// <summary>SHA-256 of the final point's content, hexadecimal.</summary>
    [Id(1)] public string? Digest { get; init; }

    [Id(2)] public string? Detail { get; init; }
}

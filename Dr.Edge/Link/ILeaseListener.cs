namespace Dr.Edge.Link;

/// <summary>Hears the answer to each lease request of a beat.</summary>
internal interface ILeaseListener
{
    /// <summary>
    /// <paramref name="sentAtTimestamp"/> is <see cref="TimeProvider.GetTimestamp"/> taken before the beat that asked was sent: a granted lease counts from there. Answers to
    /// beats of an earlier boot are dropped before this. The grant's epoch is stored as seen already. Must return at once.
    /// </summary>
    void OnLease(LeaseGrant grant, long sentAtTimestamp);

    /// <summary>What the control plane holds about mirrors, as it says in the answer to each beat. Must return at once.</summary>
    void OnMirrors(IReadOnlyList<MirrorNoted> mirrors)
    {
    }
}

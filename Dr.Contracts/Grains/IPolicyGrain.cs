using Dr.Contracts.Policy;
using Orleans.Concurrency;

namespace Dr.Contracts.Grains;

/// <summary>
/// All policies, key = <see cref="Key"/>. A change is checked as a whole, stored as a new version with its audit entry, and then brought to the systems and volumes it concerns
/// until each has it; nothing is restarted for it. A change that does not fit changes nothing. Questions interleave: they only read what is stored, and while a change is brought to a system that system may ask for the
/// book.
/// </summary>
[Alias("dr.IPolicyGrain")]
public interface IPolicyGrain : IGrainWithStringKey
{
    const string Key = "policies";

    /// <summary>What the change would do; nothing is done.</summary>
    [Alias("Plan"), AlwaysInterleave]
    Task<PolicyPlan> PlanAsync(PolicyChange change);

    /// <summary>Takes the change over, if there is no reason against it. Stored and audited on return; it takes effect in the seconds after.</summary>
    [Alias("Apply")]
    Task<PolicyPlan> ApplyAsync(PolicyChange change);

    [Alias("GetBook"), AlwaysInterleave]
    Task<PolicyBook> GetBookAsync();

    /// <summary>An older version that is still kept; null when it is not.</summary>
    [Alias("GetVersion"), AlwaysInterleave]
    Task<PolicyBook?> GetVersionAsync(long version);

    [Alias("Get"), AlwaysInterleave]
    Task<PolicyView> GetAsync();
}

using Dr.Contracts.Mqtt;

namespace Dr.Contracts.Tests.Mqtt;

public sealed class ReachEvidenceTests
{
    [Theory]
    [InlineData(true, false, null)]
    [InlineData(true, true, "the login was refused")]
    [InlineData(false, false, "nobody listens there")]
    [InlineData(false, false, null)]
    public void What_a_witness_found_is_read_as_it_was_said(bool reachable, bool failed, string? detail)
    {
        var report = new ReachReport { Target = "system:dilas", Reachable = reachable, TransactionFailed = failed, At = DateTimeOffset.UnixEpoch, Detail = detail };

        var read = ReachEvidence.Read("system:dilas", ReachEvidence.Of(report), DateTimeOffset.UnixEpoch);

        (read.Target, read.Reachable, read.TransactionFailed, read.At).ShouldBe((report.Target, report.Reachable, report.TransactionFailed, report.At));
        read.Detail.ShouldBe(detail ?? (reachable ? "reachable" : "not reachable"));
    }
}

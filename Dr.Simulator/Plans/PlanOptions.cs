using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Contracts.Policy;
using Dr.Simulator.Replay;
using Dr.Simulator.Reports;

namespace Dr.Simulator.Plans;

/// <summary>What both plans take: policies in, and the form of the answer.</summary>
internal sealed class PlanOptions
{
    public Option<string?> Policies { get; } = new("--policies") { Description = "Policies as CSV, as 'dr-silo policies export' writes and 'import' takes them (default: the paper's table 2).", HelpName = "FILE" };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON instead of tables." };

    public Option<bool> Csv { get; } = new("--csv") { Description = "Print CSV instead of tables." };

    public IReadOnlyList<BackupPolicy> Read(ParseResult parsed) => FaultLog.LoadPolicies(parsed.GetValue(Policies));

    /// <summary>Prints in the form that was asked for.</summary>
    public void Print<T>(ParseResult parsed, T plan, Func<string> csv, Action table)
    {
        if (parsed.GetValue(Json) && parsed.GetValue(Csv))
        {
            throw new UsageException("--json and --csv cannot both be printed.", "Give one of them.");
        }

        if (parsed.GetValue(Json))
        {
            Console.Out.WriteLine(JsonReport.Render(plan));
        }
        else if (parsed.GetValue(Csv))
        {
            Console.Out.Write(csv());
        }
        else
        {
            table();
        }
    }
}

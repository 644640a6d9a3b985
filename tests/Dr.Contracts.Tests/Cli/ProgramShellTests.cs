using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Contracts.Errors;

namespace Dr.Contracts.Tests.Cli;

/// <summary>The exit status decides whether a service manager starts a program again.</summary>
public sealed class ProgramShellTests
{
    public static TheoryData<Exception, int> Ends => new()
    {
        { new ConfigurationException("what is written there cannot be"), ProgramShell.WrongUsage },
        { new UsageException("an option is missing"), ProgramShell.WrongUsage },
        { new DrException("the disk is full"), ProgramShell.Failed },
        { new InvariantException("a fault"), ProgramShell.Failed },
    };

    [Theory, MemberData(nameof(Ends), DisableDiscoveryEnumeration = true)]
    public async Task What_ends_a_program_shows_in_its_exit_status(Exception exception, int status)
    {
        var root = new RootCommand();
        root.SetAction((_, _) => Task.FromException<int>(exception));
        (await ProgramShell.InvokeAsync(root, [], "dr-test")).ShouldBe(status);
    }
}

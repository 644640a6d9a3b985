namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>
/// Tests that mount file systems run alone: some tools look at every loop device of the machine, and fail on one whose server another test has just killed.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FileSystemCollection
{
    public const string Name = "mounted file systems";
}

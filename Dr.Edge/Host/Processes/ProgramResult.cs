namespace Dr.Edge.Host.Processes;

/// <param name="Output">Standard output and standard error, as they came, at most the last 16 KiB of each.</param>
internal sealed record ProgramResult(string Command, int ExitCode, string Output, string Errors)
{
    public bool Succeeded => ExitCode == 0;

    /// <summary>The last line a person would look at.</summary>
    public string LastWords => (Errors.Trim().Length > 0 ? Errors : Output).Trim().Split('\n')[^1].Trim();

    /// <exception cref="DrException">The program failed; <paramref name="doing"/> says what was being done.</exception>
    public ProgramResult Require(string doing, string? hint = null) => Succeeded
        ? this
        : throw new DrException($"{doing} failed: '{Command}' ended with status {ExitCode}{(LastWords.Length > 0 ? $": {LastWords}" : "")}.", hint);
}

namespace Dr.Simulator.Reports;

/// <summary>Writes what was asked for, where it was asked for; a file that is there stays as it is until the new one is whole.</summary>
internal static class ReportFile
{
    public static async Task WriteAsync(string file, string text, CancellationToken cancellationToken)
    {
        var half = file + ".part";
        try
        {
            await File.WriteAllTextAsync(half, text, cancellationToken);
            File.Move(half, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{file}: the report cannot be written: {e.Message}", "Choose a path whose folder exists and can be written.", e);
        }
    }
}

namespace Dr.Edge.Host;

/// <summary>Times the steps of one operation and tells each as it begins and ends.</summary>
internal sealed class StepLog(Action<string> progress, TimeProvider time)
{
    private readonly List<StepReport> _steps = [];

    public IReadOnlyList<StepReport> Steps => _steps;

    public double Seconds => Math.Round(_steps.Sum(s => s.Seconds), 3);

    /// <summary>Tells something that is no step.</summary>
    public void Note(string words) => progress(words);

    public async Task RunAsync(string step, Func<Task<string?>> act)
    {
        progress($"{step} …");
        var start = time.GetTimestamp();
        try
        {
            var detail = await act();
            var seconds = Math.Round(time.GetElapsedTime(start).TotalSeconds, 3);
            _steps.Add(new StepReport(step, seconds, detail));
            progress($"{step}: done in {seconds.ToString("0.00", CultureInfo.InvariantCulture)} s{(detail is null ? "" : $", {detail}")}");
        }
        catch (Exception exception) when (exception is DrException or OperationCanceledException)
        {
            progress($"{step}: failed: {exception.Message}");
            throw;
        }
    }
}

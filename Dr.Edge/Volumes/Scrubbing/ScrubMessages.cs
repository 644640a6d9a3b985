namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>How the scrubbing of one volume stands.</summary>
/// <param name="State"><c>running</c>, <c>paused</c> or <c>waiting</c> (for the next pass).</param>
/// <param name="Progress">0 to 1, about, of the pass under way; null between passes.</param>
/// <param name="NextAt">When the next pass begins; null while one is under way, or when none is planned.</param>
internal sealed record ScrubStatus(
    string Volume, string State, double? Progress, ScrubStage? Stage, long CheckedBytes, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, long Passes, DateTimeOffset? NextAt, IReadOnlyList<ScrubFinding> Findings)
{
    public static ScrubStatus Of(Volume volume, Scrubber scrubber)
    {
        var book = scrubber.Book(volume);
        return new ScrubStatus(
            volume.Name,
            book.Paused ? "paused" : book.Cursor is null ? "waiting" : "running",
            book.Cursor is null ? null : Math.Round(Math.Min(0.999, (double)book.CheckedBytes / Math.Max(1, volume.ScrubBytes)), 3),
            book.Cursor?.Stage,
            book.CheckedBytes,
            book.StartedAt,
            book.FinishedAt,
            book.Passes,
            book.Cursor is null && scrubber.Period > TimeSpan.Zero ? book.DueAt(volume.CreatedAt, scrubber.Period) : null,
            book.Findings);
    }
}

namespace Dr.Simulator.Live.Judging;

/// <summary>A write that was answered as good, as its client saw it. Times in seconds on the client's own clock, which never goes back.</summary>
/// <param name="Number">Given once, to one write at one site.</param>
/// <param name="Site">The site whose appliance answered.</param>
/// <param name="SentAt">Just before the request was sent.</param>
/// <param name="AnsweredAt">When the answer of the write had come.</param>
/// <param name="CommittedAt">When the flush behind it was answered: from then on losing it is a loss. Null: it was not asked for, or not answered as good.</param>
internal readonly record struct WriteAnswer(long Number, string Site, double SentAt, double AnsweredAt, double? CommittedAt = null);

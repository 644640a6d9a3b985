using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Grains;

/// <summary>The synthetic kill: a second detector beside the real one that takes no notice of marked beats. It decides nothing and tells nobody but who asked.</summary>
internal sealed partial class DeviceGrain
{
    /// <summary>Longest wait for the device to begin; one that does not know the command never does.</summary>
    private static readonly TimeSpan BeginWithin = TimeSpan.FromSeconds(15);

    /// <summary>A thousand years: beyond it the figure says nothing but "never".</summary>
    private const double MostDaysShown = 365_250;

    private DetectionTest? _test;
    private DetectorState? _shadow;

    public async Task<DetectionTest> TestDetectionAsync(string actor)
    {
        if (_test is { IsOver: false } running)
        {
            return running;
        }

        var now = time.GetUtcNow();
        var id = new CommandId($"{Id}.detection.{now.ToUnixTimeMilliseconds()}");
        _test = new DetectionTest { Id = id, Device = Id, Class = Class.Name, Actor = actor, OrderedAt = now };
        if (_presence != Presence.Alive || _detector is null)
        {
            return _test = _test with { Problem = $"{Id} is not heard: there is nothing to measure." };
        }

        _shadow = _detector;
        LookSoon();
        // Marks end by themselves, whatever becomes of this control plane.
        var longest = (FailureDetector.Deadline(_detector, Class.Alpha(_detector.HourClass)) - now) + _detector.Promise + Class.Alpha(HourClass.Idle) + BeginWithin;
        LogTest(Id, actor);
        await TransmitAsync(new TestDetection { Id = id, IssuedAt = now, Deadline = now + BeginWithin, MarkFor = longest });
        return _test;
    }

    public Task<DetectionTest?> GetTestAsync() => Task.FromResult(_test);

    private void HearTest(Beat beat, DateTimeOffset now)
    {
        if (_test is { IsOver: false } test && beat.Test != test.Id)
        {
            _shadow = FailureDetector.Heard(_shadow, beat, now);
        }
    }

    /// <summary>True when the result was the test's.</summary>
    private bool HearTest(CommandResult result, DateTimeOffset now)
    {
        if (_test is not { IsOver: false } test || test.Id != result.Id)
        {
            return false;
        }

        _test = result.Outcome == CommandOutcome.Done ? test with { StoppedAt = now } : result.Outcome == CommandOutcome.Progress ? test : test with { Problem = result.Detail ?? result.Outcome.ToString() };
        return true;
    }

    private void JudgeTest(DateTimeOffset now)
    {
        if (_test is not { IsOver: false } test || _shadow is not { } shadow)
        {
            return;
        }

        if (test.StoppedAt is not { } stopped)
        {
            _test = now - test.OrderedAt > BeginWithin ? test with { Problem = $"{Id} did not begin within {BeginWithin.TotalSeconds:0} s: it may be of an older version." } : test;
            return;
        }

        var alpha = Class.Alpha(shadow.HourClass);
        var judgement = FailureDetector.Judge(shadow, alpha, Observer, now);
        if (judgement.Liveness == Liveness.Overdue)
        {
            var took = now - stopped;
            // The tick's own lateness is in what is measured, and so in the bound.
            var bound = shadow.Promise + alpha + LookClock.Tick;
            _test = test with { SuspectedAt = now, Seconds = took.TotalSeconds, BoundSeconds = bound.TotalSeconds };
            book.Note(Class, q => q.Killed(took));
            LogTested(Id, took.TotalSeconds, bound.TotalSeconds);
        }
        else if (judgement.Liveness == Liveness.NotJudged)
        {
            _test = test with { Problem = "This control plane had trouble of its own meanwhile and judges nobody: try again." };
        }
    }

    /// <summary>Keeps the sums of Chen's figures: what a beat says about the silence before it.</summary>
    private void NoteQuality(DetectorState? before, Beat beat, DateTimeOffset now)
    {
        if (before is null)
        {
            return;
        }

        if (_presence is Presence.Suspect or Presence.Silent)
        {
            var suspectedFor = now - _presenceSince;
            book.Note(Class, q => before.BootId == beat.BootId ? q.Mistaken(suspectedFor) : q.Detected());
        }
        else if (before.BootId == beat.BootId)
        {
            book.Followed(Class, now - before.ArrivedAt);
        }
    }

    /// <summary>By formula, from the loss and lateness that were measured.</summary>
    private double? DaysBetweenMistakes() =>
        _detector is { } state && PredictedQuality.RecurrenceOf(state.Promise, Class.Alpha(state.HourClass), LinkQuality.Of(state)).TotalDays is var days && days < MostDaysShown ? days : null;
}

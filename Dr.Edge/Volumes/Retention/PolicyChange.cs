using Dr.Edge.Cli;

namespace Dr.Edge.Volumes.Retention;

/// <summary>From the words of a command to a policy and back.</summary>
internal static class PolicyChange
{
    /// <summary>Gives a part back to the appliance's configuration.</summary>
    public const string Default = "default";

    /// <summary>The policy with what <paramref name="change"/> says; null when nothing of it is the volume's own any more.</summary>
    /// <exception cref="DrException">A part cannot be read or followed.</exception>
    public static VolumePolicy? Apply(VolumePolicy? policy, PolicyTexts change)
    {
        policy ??= new VolumePolicy();
        policy = new VolumePolicy
        {
            PointsEvery = Part(policy.PointsEvery, change.PointsEvery, text => RetentionText.ParseSpan(text, RetentionText.Off, "--points-every")),
            Keep = change.Keep is null ? policy.Keep : change.Keep == Default ? null : RetentionText.ParseTiers(change.Keep, "--keep"),
            KeepManual = Part(policy.KeepManual, change.KeepManual, text => RetentionText.ParseSpan(text, RetentionText.Forever, "--keep-manual")),
            FineWindow = Part(policy.FineWindow, change.FineWindow, text => Quantities.ParseDuration(text, "--fine-window")),
            WhenFull = Part(policy.WhenFull, change.WhenFull, text => PolicyText.ParseWhenFull(text, "--when-full")),
        };
        PolicyRules.Check(policy);
        return policy == new VolumePolicy() ? null : policy;
    }

    /// <summary>All of it in one sentence: in the answer to a policy from the control plane and in every beat, so that a change by hand is seen there.</summary>
    public static string Sentence(VolumePolicy? own, EffectivePolicy policy)
    {
        var texts = Describe(own, policy);
        return $"points every {texts.PointsEvery}, keep {texts.Keep}, keep manual {texts.KeepManual}, fine window {texts.FineWindow}, when full {texts.WhenFull}";
    }

    /// <summary>What the volume lives by, and which parts are its own.</summary>
    public static PolicyTexts Describe(VolumePolicy? own, EffectivePolicy policy) => new()
    {
        PointsEvery = policy.PointsEvery == TimeSpan.Zero ? RetentionText.Off : RetentionText.Span(policy.PointsEvery),
        Keep = RetentionText.Tiers(policy.Keep),
        KeepManual = policy.KeepManual == TimeSpan.Zero ? RetentionText.Forever : RetentionText.Span(policy.KeepManual),
        FineWindow = RetentionText.Span(policy.FineWindow),
        WhenFull = PolicyText.WhenFull(policy.WhenFull),
        Own =
        [
            .. own?.PointsEvery is null ? [] : (string[])["points-every"],
            .. own?.Keep is null ? [] : (string[])["keep"],
            .. own?.KeepManual is null ? [] : (string[])["keep-manual"],
            .. own?.FineWindow is null ? [] : (string[])["fine-window"],
            .. own?.WhenFull is null ? [] : (string[])["when-full"],
        ],
        Advice = PolicyRules.Advice(policy),
    };

    private static T? Part<T>(T? present, string? text, Func<string, T> parse)
        where T : struct => text is null ? present : text == Default ? null : parse(text);
}

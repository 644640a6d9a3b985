namespace Dr.Edge.Host.Config;

/// <summary>One reason why a configuration is refused.</summary>
/// <param name="Where">Path of the entry, for example <c>systems[dilas].components[app].dependsOn</c>.</param>
/// <param name="What">What is wrong with it, as a sentence.</param>
/// <param name="Remedy">What to do about it, as a sentence.</param>
internal sealed record ConfigFault(string Where, string What, string Remedy)
{
    public override string ToString() => $"{Where}: {What} {Remedy}";
}

namespace Dr.Edge.Host;

/// <summary>Where the agent keeps what it knows of one system.</summary>
internal sealed class HostPaths(string dataDirectory, string system, string volume)
{
    public string Root { get; } = Path.Combine(Path.GetFullPath(dataDirectory), "host", system);

    public string State => Path.Combine(Root, "state.json");

    /// <summary>Directory that the export is mounted on as a file.</summary>
    public string ExportDirectory => Path.Combine(Root, "export");

    public string ExportFile => Path.Combine(ExportDirectory, volume);

    public string ExportPid => Path.Combine(Root, "export.pid");

    public string ExportLog => Path.Combine(Root, "export.log");

    public string LogOf(string component) => Path.Combine(Root, component + ".log");
}

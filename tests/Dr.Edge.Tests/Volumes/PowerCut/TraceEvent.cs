namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>One thing the store asked of the file system. Nodes are files and directories as the disk knows them: a node keeps its number when its name changes.</summary>
internal abstract record TraceEvent
{
    public sealed record Make(int Node, bool IsDirectory) : TraceEvent;

    /// <summary>Names that change as one: a new name, a removed one (no node), or both for a rename.</summary>
    public sealed record Names(params (int Directory, string Name, int? Node)[] Changes) : TraceEvent;

    public sealed record Write(int Node, long Offset, byte[] Data) : TraceEvent;

    public sealed record Cut(int Node, long Length) : TraceEvent;

    public sealed record Punch(int Node, long Offset, long Length) : TraceEvent;

    public sealed record Sync(int Node) : TraceEvent;

    public sealed record SyncDirectory(int Node) : TraceEvent;
}

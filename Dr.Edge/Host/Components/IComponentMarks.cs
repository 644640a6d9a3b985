using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Components;

/// <summary>Remembers across a restart of the agent which process is which component's.</summary>
internal interface IComponentMarks
{
    ProcessMark? MarkOf(string component);

    /// <summary>Returns after it is on disk; null forgets.</summary>
    void SetMark(string component, ProcessMark? mark);
}

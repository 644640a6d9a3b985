using System.Text.Json;
using Dr.Edge.Cli;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host;

/// <summary>Keeps a <see cref="HostState"/> in a file: temporary file, flush, rename. A state that cannot be read is an error, not an empty one.</summary>
internal sealed class HostStateStore : IComponentMarks
{
    private readonly string _path;
    private readonly Lock _gate = new(); // Guards _state and the file.
    private HostState _state;

    public HostStateStore(string path)
    {
        _path = path;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            _state = File.Exists(path) ? JsonSerializer.Deserialize<HostState>(File.ReadAllText(path), ControlJson.Readable)! : new HostState();
        }
        catch (JsonException exception)
        {
            throw new DrException($"{path} is damaged: {exception.Message}", "Nothing on this machine says any more what runs. Stop the system's components by hand, then delete the file.", exception);
        }
    }

    public HostState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>Returns after the new state is on disk.</summary>
    /// <exception cref="DrException">It could not be written: the state is the one of before, here and on disk.</exception>
    public void Change(Func<HostState, HostState> change)
    {
        lock (_gate)
        {
            var next = change(_state);
            if (next == _state)
            {
                return;
            }

            try
            {
                Write(next);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new DrException($"{_path} could not be written: {exception.Message}", "Make room on this disk, or let dr-edge write there; it goes on by itself where it can.", exception);
            }

            _state = next;
        }
    }

    private void Write(HostState state)
    {
        var temporary = _path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, state, ControlJson.Readable);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, _path, overwrite: true);
    }

    public ProcessMark? MarkOf(string component) => State.Components.TryGetValue(component, out var mark) ? mark : null;

    public void SetMark(string component, ProcessMark? mark) => Change(state =>
    {
        var components = new Dictionary<string, ProcessMark>(state.Components);
        components.Remove(component);
        if (mark is { } known)
        {
            components[component] = known;
        }

        return state with { Components = components };
    });
}

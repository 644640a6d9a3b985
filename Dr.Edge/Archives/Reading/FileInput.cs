using Dr.Edge.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Archives.Reading;

/// <summary>A file on a mounted medium.</summary>
internal sealed class FileInput : IArchiveInput
{
    private readonly SafeFileHandle _file;

    /// <exception cref="DrException">It cannot be opened.</exception>
    public FileInput(string path)
    {
        Where = path;
        try
        {
            _file = File.OpenHandle(path);
            Length = Posix.LengthOf(_file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", "Is the medium mounted, and the file yours to read?", exception);
        }
    }

    public string Where { get; }

    public long Length { get; }

    public int Read(Span<byte> destination, long offset) => Posix.Read(_file, destination, offset);

    public void Dispose() => _file.Dispose();
}

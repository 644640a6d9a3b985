namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>
/// A seeded mix of what programs do to a file system (create, append, overwrite, truncate, rename, delete, make folders, fsync), with a memory of what must be there.
/// The same seed does the same.
/// </summary>
internal sealed class FileWorkload(int seed)
{
    private readonly Random _random = new(seed);
    private readonly SortedDictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private readonly List<string> _folders = [""];
    private int _next;

    public void Run(string root, int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            Step(root);
        }
    }

    /// <summary>Everything that must be there is there, and nothing else.</summary>
    public void Verify(string root)
    {
        var found = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path)).Where(path => !path.StartsWith("lost+found", StringComparison.Ordinal));
        found.Order(StringComparer.Ordinal).ShouldBe(_files.Keys);
        foreach (var (path, content) in _files)
        {
            File.ReadAllBytes(Path.Combine(root, path)).AsSpan().SequenceEqual(content).ShouldBeTrue($"{path} has other content (seed {seed})");
        }
    }

    private void Step(string root)
    {
        var path = _files.Count > 0 ? _files.Keys.ElementAt(_random.Next(_files.Count)) : null;
        switch (path is null ? 0 : _random.Next(12))
        {
            case 0 or 1 or 2 or 3:
                var created = Path.Combine(_folders[_random.Next(_folders.Count)], $"f{_next++}");
                Replace(root, created, Noise(_random.Next(3) == 0 ? _random.Next(200_000) : _random.Next(6000)));
                break;
            case 4 or 5:
                var more = Noise(_random.Next(1, 20_000));
                using (var file = new FileStream(Path.Combine(root, path!), FileMode.Append))
                {
                    file.Write(more);
                }

                _files[path!] = [.. _files[path!], .. more];
                break;
            case 6 or 7:
                Overwrite(root, path!);
                break;
            case 8:
                var length = _random.Next(_files[path!].Length + 10_000);
                using (var file = new FileStream(Path.Combine(root, path!), FileMode.Open))
                {
                    file.SetLength(length);
                }

                var truncated = new byte[length];
                _files[path!].AsSpan(0, Math.Min(length, _files[path!].Length)).CopyTo(truncated);
                _files[path!] = truncated;
                break;
            case 9:
                var renamed = Path.Combine(_folders[_random.Next(_folders.Count)], $"r{_next++}");
                File.Move(Path.Combine(root, path!), Path.Combine(root, renamed));
                _files.Remove(path!, out var moved);
                _files[renamed] = moved!;
                break;
            case 10:
                File.Delete(Path.Combine(root, path!));
                _files.Remove(path!);
                break;
            default:
                _folders.Add(Path.Combine(_folders[_random.Next(_folders.Count)], $"d{_next++}"));
                Directory.CreateDirectory(Path.Combine(root, _folders[^1]));
                break;
        }
    }

    private void Overwrite(string root, string path)
    {
        var content = _files[path];
        if (content.Length == 0)
        {
            return;
        }

        var offset = _random.Next(content.Length);
        var data = Noise(_random.Next(1, content.Length - offset + 1));
        using var file = new FileStream(Path.Combine(root, path), FileMode.Open);
        file.Position = offset;
        file.Write(data);
        file.Flush(flushToDisk: _random.Next(2) == 0);
        data.CopyTo(content, offset);
    }

    private void Replace(string root, string path, byte[] content)
    {
        using var file = new FileStream(Path.Combine(root, path), FileMode.Create);
        file.Write(content);
        file.Flush(flushToDisk: _random.Next(5) == 0);
        _files[path] = content;
    }

    private byte[] Noise(int length)
    {
        var data = new byte[length];
        _random.NextBytes(data);
        return data;
    }
}

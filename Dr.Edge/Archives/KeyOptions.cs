using System.CommandLine;
using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives;

/// <summary><c>--encrypt-key-file</c> and <c>--passphrase-file</c>: read by the command, so that the running process needs no right to the file.</summary>
internal sealed class KeyOptions
{
    private readonly Option<string?> _keyFile = new("--encrypt-key-file", "--key-file") { Description = "Encrypt (open) with the key in this file; 'dr-edge archive new-key' makes one.", HelpName = "FILE" };
    private readonly Option<string?> _passphraseFile = new("--passphrase-file") { Description = "Encrypt (open) with the passphrase in the first line of this file.", HelpName = "FILE" };

    public IEnumerable<Option> Options => [_keyFile, _passphraseFile];

    /// <summary>Null when neither was given.</summary>
    public ArchiveSecret? Read(ParseResult parsed)
    {
        var (key, passphrase) = (parsed.GetValue(_keyFile), parsed.GetValue(_passphraseFile));
        return (key, passphrase) switch
        {
            (null, null) => null,
            ({ } path, null) => ArchiveSecret.FromKeyFile(ReadFile(path), path),
            (null, { } path) => ArchiveSecret.FromPassphraseFile(ReadFile(path), path),
            _ => throw new UsageException("--encrypt-key-file and --passphrase-file exclude each other.", "Give the one that the archive is written with."),
        };
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > ArchiveLimits.MaxSecretBytes)
            {
                throw new DrException($"{path} has {file.Length} bytes; a key or passphrase file has at most {ArchiveLimits.MaxSecretBytes}.", "Is it the right file?");
            }

            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", "Name a file that is yours to read.", exception);
        }
    }
}

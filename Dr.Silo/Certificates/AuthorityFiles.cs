using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Dr.Silo.Certificates;

/// <summary>The CA on disk: <c>ca.pem</c> for everybody, <c>ca.key</c> (PKCS#8, with a passphrase if one was given) for its owner only.</summary>
internal static class AuthorityFiles
{
    public const string CertificateName = "ca.pem";
    public const string KeyName = "ca.key";

    public static bool IsThere(string folder) => File.Exists(Path.Combine(folder, CertificateName));

    /// <exception cref="DrException">A file is missing, open to others, damaged, or the passphrase is wrong.</exception>
    public static CertificateAuthority Read(string folder, string? passphrase)
    {
        var (certificatePath, keyPath) = (Path.Combine(folder, CertificateName), Path.Combine(folder, KeyName));
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(keyPath) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
            {
                throw new DrException($"The CA's key {keyPath} can be read by others.", $"chmod 600 {keyPath}; if others may have read it, make a new CA and enrol the devices again.");
            }

            var text = File.ReadAllText(keyPath);
            using var key = ECDsa.Create();
            if (text.Contains("ENCRYPTED PRIVATE KEY", StringComparison.Ordinal))
            {
                key.ImportFromEncryptedPem(text, passphrase ?? throw new DrException($"The CA's key {keyPath} has a passphrase.", "Give --ca-passphrase-file FILE."));
            }
            else
            {
                key.ImportFromPem(text);
            }

            using var certificate = X509CertificateLoader.LoadCertificateFromFile(certificatePath);
            return new CertificateAuthority(certificate.CopyWithPrivateKey(key));
        }
        catch (CryptographicException exception)
        {
            throw new DrException($"The CA in {folder} cannot be used: {exception.Message}", "The passphrase may be wrong, or a file damaged: put them back from your copy.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new DrException($"The CA in {folder} cannot be used: {exception.Message}", $"{CertificateName} and {KeyName} must be there and readable by this user; dr-silo ca create makes them.", exception);
        }
    }

    /// <summary>Key before certificate: what has a certificate has its key.</summary>
    /// <exception cref="DrException">There is one already.</exception>
    public static void Write(string folder, CertificateAuthority authority, string? passphrase)
    {
        if (IsThere(folder))
        {
            throw new DrException($"There is a CA in {folder} already.", "Every device trusts that one. dr-silo ca renew makes it last longer; move the folder away only to begin anew.");
        }

        CreateFolder(folder);
        using var key = authority.Certificate.GetECDsaPrivateKey()!;
        var pem = passphrase is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(passphrase, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, CertificateLimits.PassphraseIterations));
        WriteFile(Path.Combine(folder, KeyName), pem, isSecret: true);
        WriteFile(Path.Combine(folder, CertificateName), authority.Pem, isSecret: false);
    }

    /// <summary>Puts a renewed certificate in place; the key stays.</summary>
    public static void Replace(string folder, CertificateAuthority authority) => WriteFile(Path.Combine(folder, CertificateName), authority.Pem, isSecret: false);

    /// <summary>Reads a passphrase: the file's first line.</summary>
    public static string? Passphrase(string? file)
    {
        if (file is null)
        {
            return null;
        }

        try
        {
            return File.ReadLines(file).FirstOrDefault() is { Length: > 0 } line ? line : throw new DrException($"{file} has no passphrase in its first line.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"The passphrase file {file} cannot be read: {exception.Message}", "Name a file that this user can read.", exception);
        }
    }

    /// <summary>The whole file or the former one, on the disk when this returns; a secret is never readable by others, not for a moment.</summary>
    public static void WriteFile(string path, string text, bool isSecret)
    {
        try
        {
            var next = $"{path}.new";
            File.Delete(next);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | (isSecret ? UnixFileMode.None : UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            }

            using (var stream = new FileStream(next, options))
            {
                stream.Write(System.Text.Encoding.ASCII.GetBytes(text.EndsWith('\n') ? text : text + "\n"));
                stream.Flush(flushToDisk: true);
            }

            File.Move(next, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be written: {exception.Message}", "Check that the folder exists and is this user's.", exception);
        }
    }

    public static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}

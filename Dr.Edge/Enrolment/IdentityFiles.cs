using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Dr.Contracts.Tls;

namespace Dr.Edge.Enrolment;

/// <summary>
/// The folder <c>identity</c> in the data directory, for its owner only: <c>device.pem</c> (certificate and its key in one file, so that a renewal changes both at once or neither), <c>ca.pem</c>, <c>crl.pem</c>, <c>identity.json</c>,
/// and, while an answer is awaited, <c>pending.key</c>. The key is made here and never leaves.
/// </summary>
internal sealed class IdentityFiles(string data)
{
    public const string FolderName = "identity";

    private const string SiloAuthorityName = "silo-ca.pem";

    public string Folder { get; } = Path.Combine(Path.GetFullPath(data), FolderName);

    /// <summary>Certificate and key.</summary>
    public string Device => Path.Combine(Folder, "device.pem");

    public string Authority => Path.Combine(Folder, "ca.pem");

    public string RevocationList => Path.Combine(Folder, "crl.pem");

    private string About => Path.Combine(Folder, "identity.json");

    private string Pending => Path.Combine(Folder, "pending.key");

    private string SiloAuthority => Path.Combine(Folder, SiloAuthorityName);

    /// <summary>Null before the device enrolled.</summary>
    /// <exception cref="DrException">It is there and cannot be used.</exception>
    public DeviceIdentity? Read()
    {
        if (!File.Exists(About))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(About), IdentityJson.Default.DeviceIdentity) ?? throw new JsonException("it is empty");
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new DrException($"This device's identity {About} cannot be used: {exception.Message}", "If it is damaged, enrol again with a new token: dr-edge enroll. If another user owns it, enrol as the user of the service.", exception);
        }
    }

    /// <summary>The key of a request whose answer has not come: the same one again after a crash, so that a token that was used up meanwhile still brings its certificate.</summary>
    public ECDsa PendingKey()
    {
        CreateFolder();
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(Pending))
        {
            try
            {
                key.ImportFromPem(File.ReadAllText(Pending));
                return key;
            }
            catch (Exception exception) when (exception is CryptographicException or ArgumentException)
            {
                // Half written by a crash: nothing was asked for with it.
                key.Dispose();
                key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            }
        }

        Write(Pending, key.ExportPkcs8PrivateKeyPem());
        return key;
    }

    public void DropPendingKey() => File.Delete(Pending);

    /// <summary>CAs by which a control plane's HTTPS certificate may be known, beside the system's.</summary>
    public X509Certificate2Collection TrustedSilos()
    {
        var all = new X509Certificate2Collection();
        foreach (var file in new[] { Authority, SiloAuthority }.Where(File.Exists))
        {
            all.ImportFromPemFile(file);
        }

        return all;
    }

    public void TrustSilo(string pem)
    {
        CreateFolder();
        Write(SiloAuthority, pem);
    }

    /// <summary>Puts a new certificate in place. In this order a crash in between leaves a pair that fits, and at worst asks again.</summary>
    /// <exception cref="DrException">What came is not this key's certificate.</exception>
    public void Install(DeviceIdentity identity, string certificate, string authority, ECDsa key, DateTimeOffset now)
    {
        try
        {
            using var leaf = X509Certificate2.CreateFromPem(certificate);
            using var pair = leaf.CopyWithPrivateKey(key);
            if (CertificateCheck.CommonNameOf(pair) != identity.Device)
            {
                throw new DrException($"The certificate that came is {CertificateCheck.CommonNameOf(pair) ?? "nobody"}'s, not {identity.Device}'s.", "Nothing was changed. Is this the right control plane?");
            }

            using var root = X509Certificate2.CreateFromPem(authority);
            if (CertificateCheck.FindProblem(leaf, [], [root], CertificateCheck.ClientPurpose, now) is { } problem)
            {
                throw new DrException($"The certificate that came is not good: {problem}", "Nothing was changed. Compare this device's clock with the control plane's.");
            }
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new DrException($"The certificate that came cannot be used: {exception.Message}", "Nothing was changed. Is this the right control plane?", exception);
        }

        Write(Authority, authority);
        Write(Device, $"{certificate.TrimEnd()}\n{key.ExportPkcs8PrivateKeyPem()}");
        Write(About, Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(identity, IdentityJson.Default.DeviceIdentity)));
        DropPendingKey();
    }

    /// <summary>The certificate that is in use, with its key.</summary>
    public X509Certificate2 Current()
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(Device);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new DrException($"This device's certificate {Device} cannot be used: {exception.Message}", "Enrol again with a new token: dr-edge enroll.", exception);
        }
    }

    public void WriteList(string pem) => Write(RevocationList, pem);

    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Folder);
        }
        else
        {
            Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The whole file or the former one, on the disk when this returns, never readable by others.</summary>
    private static void Write(string path, string text)
    {
        try
        {
            var next = $"{path}.new";
            File.Delete(next);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var stream = new FileStream(next, options))
            {
                stream.Write(Encoding.UTF8.GetBytes(text.EndsWith('\n') ? text : text + "\n"));
                stream.Flush(flushToDisk: true);
            }

            File.Move(next, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be written: {exception.Message}", "Check the disk, and run this as the user of the service: runuser -u dr -- dr-edge enroll ….", exception);
        }
    }
}

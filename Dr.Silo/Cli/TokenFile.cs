using Dr.Silo.Access;

namespace Dr.Silo.Cli;

/// <summary>Where <c>dr-silo login</c> keeps its token: a file that nobody else may read, or it is not used.</summary>
internal static class TokenFile
{
    public const string Variable = "DR_SILO_TOKEN_FILE";

    public static string Default => Environment.GetEnvironmentVariable(Variable)
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "dr-silo", "token");

    /// <summary>The token; null when there is no such file and nobody named it.</summary>
    public static string? Read(string? named)
    {
        var path = named ?? Default;
        if (named is null && !File.Exists(path))
        {
            return null;
        }

        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
            {
                throw new DrException($"The token in {path} can be read by others.", $"chmod 600 {path}, and revoke it if others may have seen it: dr-silo tokens.");
            }

            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"The token file {path} cannot be read: {e.Message}", "dr-silo login writes it; --token-file names another.", e);
        }
    }

    public static async Task WriteAsync(string? named, string token, CancellationToken cancellationToken)
    {
        var path = named ?? Default;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await FirstAdminService.WriteAsync(path, token, cancellationToken);
    }

    public static void Delete(string? named) => File.Delete(named ?? Default);
}

namespace Dr.Edge.Replication;

/// <summary>The copies of one volume: <c>copies.json</c> in its directory.</summary>
internal static class CopyFile
{
    private const string Name = "copies.json";

    public static IReadOnlyList<CopySettings> Read(string directory) =>
        SettingsFile.Read<CopySettings>(Path.Combine(directory, Name), "Put the list right, or delete the file and add the copies again.");

    public static void Write(string directory, IReadOnlyList<CopySettings> copies) => SettingsFile.Write(Path.Combine(directory, Name), copies);
}

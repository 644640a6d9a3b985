namespace Dr.Edge.Archives.Format;

/// <summary>Whether what the operator has opens an archive.</summary>
internal static class ArchiveKeys
{
    /// <summary>The set's key; null when the archive is not encrypted.</summary>
    /// <exception cref="DrException">A key is missing, of the wrong kind, or does not fit.</exception>
    public static byte[]? Master(PartHeader header, ArchiveSecret? secret, string where)
    {
        if (header.KeyKind == ArchiveKeyKind.None)
        {
            return secret is null ? null : throw new DrException($"{where} is not encrypted.", "Leave the key away.");
        }

        var option = header.KeyKind == ArchiveKeyKind.KeyFile ? "--encrypt-key-file FILE" : "--passphrase-file FILE";
        if (secret is null || secret.Kind != header.KeyKind)
        {
            throw new DrException($"{where} is encrypted with a {(header.KeyKind == ArchiveKeyKind.KeyFile ? "key file" : "passphrase")}.", $"Give it with {option}.");
        }

        var master = secret.Master(header.SetSalt, header.Iterations);
        return ArchiveSeal.KeyCheck(master, header.Set).AsSpan().SequenceEqual(header.KeyCheck)
            ? master
            : throw new DrException($"The {(header.KeyKind == ArchiveKeyKind.KeyFile ? "key" : "passphrase")} does not open {where}.", "Is it the one that the archive was written with?");
    }
}

namespace Dr.Edge.Archives.Format;

/// <summary>Sizes and bounds of archives. Each is checked before a length read from a medium is believed.</summary>
internal static class ArchiveLimits
{
    /// <summary>Parts begin and end at multiples of this, so that they are found again in a damaged sequential file, and fit what disks and tapes write at once.</summary>
    public const int PageBytes = 4096;

    /// <summary>Content of one record: what one damaged place costs at most, and what a reader holds in memory.</summary>
    public const int MaxContentBytes = 1024 * 1024;

    /// <summary>1 GiB: what an interruption does again at most, and small enough for every file system (FAT32 ends at 4 GiB).</summary>
    public const long DefaultPartBytes = 1L << 30;

    /// <summary>2 MiB: the largest record fits into the smallest part.</summary>
    public const long MinPartBytes = 2L << 20;

    /// <summary>1 TiB: far below what one AES-GCM key may encrypt (2^32 records; NIST SP 800-38D, 8.3), as every part has a key of its own.</summary>
    public const long MaxPartBytes = 1L << 40;

    /// <summary>Parts of one set.</summary>
    public const int MaxParts = 1_000_000;

    /// <summary>PBKDF2 rounds that a header may ask of a reader; a damaged or hostile one must not keep it busy for hours.</summary>
    public const int MaxIterations = 10_000_000;

    /// <summary>A key file is some bytes of key, and not an image given by mistake.</summary>
    public const int MaxSecretBytes = 4096;

    /// <summary>128 bits: the least entropy a key file may pretend to.</summary>
    public const int MinKeyBytes = 16;
}

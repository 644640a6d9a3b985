using System.Runtime.InteropServices;

namespace Dr.Benchmarks;

/// <summary>
/// A virtual machine's host takes memory back that lies unused, and the first write to it then waits for the host: many times what the same write costs otherwise, and paid by whichever
/// server happens to come first. Memory that is touched and given up right before a run is there for everybody.
/// </summary>
internal static class MemoryFetch
{
    private const long MostBytes = 4L << 30;
    private const int PageBytes = 4096;

    public static unsafe void Touch(long bytes)
    {
        // Never so much that the page cache would have to give way to it.
        var length = (nuint)Math.Min(Math.Min(bytes, MostBytes), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        var memory = (byte*)NativeMemory.Alloc(length);
        try
        {
            for (nuint offset = 0; offset < length; offset += PageBytes)
            {
                memory[offset] = 1;
            }
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }
}

using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Disk;

/// <summary>The kernel's <c>struct iovec</c>: memory that a system call reads or fills.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct IoVector(nint Start, nint Length);

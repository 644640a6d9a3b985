namespace Dr.Contracts.Wire;

/// <summary>A payload whose checksum was right is not what its type says: a version that we do not know, or a fault of the peer.</summary>
public sealed class WireFormatException(string message)
    : Errors.DrException(message, "Both ends must run versions that understand each other; compare 'dr-edge --version' on both.");

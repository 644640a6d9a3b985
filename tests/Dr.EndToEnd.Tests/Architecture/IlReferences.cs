using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Dr.EndToEnd.Tests.Architecture;

/// <summary>What the compiled methods of a type really use: every call, field and type in their instructions, read from the assembly's metadata.</summary>
internal static class IlReferences
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields().Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value);

    /// <summary>Pairs of (type, member used), <c>Namespace.Type::Member</c>, for types that <paramref name="wanted"/> picks by namespace and name.</summary>
    public static IEnumerable<(string Type, string Uses)> Of(string assembly, Func<string, string, bool> wanted)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var reader = file.GetMetadataReader();
        List<(string, string)> found = [];
        foreach (var handle in reader.TypeDefinitions)
        {
            var outer = reader.GetTypeDefinition(handle);
            while (!outer.GetDeclaringType().IsNil)
            {
                outer = reader.GetTypeDefinition(outer.GetDeclaringType());
            }

            if (!wanted(reader.GetString(outer.Namespace), reader.GetString(outer.Name)))
            {
                continue;
            }

            var name = $"{reader.GetString(outer.Namespace)}.{reader.GetString(outer.Name)}";
            foreach (var method in reader.GetTypeDefinition(handle).GetMethods().Select(reader.GetMethodDefinition).Where(m => m.RelativeVirtualAddress != 0))
            {
                found.AddRange(Tokens(file.GetMethodBody(method.RelativeVirtualAddress).GetILContent()).Select(token => NameOf(reader, token)).OfType<string>().Select(used => (name, used)));
            }
        }

        return found;
    }

    public static IReadOnlyList<string> AssembliesReferencedBy(string assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var reader = file.GetMetadataReader();
        return [.. reader.AssemblyReferences.Select(h => reader.GetString(reader.GetAssemblyReference(h).Name))];
    }

    private static List<EntityHandle> Tokens(ImmutableArray<byte> il)
    {
        List<EntityHandle> tokens = [];
        for (var i = 0; i < il.Length;)
        {
            var code = OpCodesByValue[il[i] == 0xFE ? (short)(0xFE00 | il[i + 1]) : il[i]];
            i += code.Size;
            switch (code.OperandType)
            {
                case OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok:
                    tokens.Add(MetadataTokens.EntityHandle(BitConverter.ToInt32(il.AsSpan(i, 4))));
                    i += 4;
                    break;
                case OperandType.InlineSwitch:
                    i += 4 + (4 * BitConverter.ToInt32(il.AsSpan(i, 4)));
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    i += 8;
                    break;
                case OperandType.InlineVar:
                    i += 2;
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    i += 1;
                    break;
                case OperandType.InlineNone:
                    break;
                default:
                    i += 4;
                    break;
            }
        }

        return tokens;
    }

    private static string? NameOf(MetadataReader reader, EntityHandle handle) => handle.Kind switch
    {
        HandleKind.MemberReference when reader.GetMemberReference((MemberReferenceHandle)handle) is var member => $"{NameOf(reader, member.Parent)}::{reader.GetString(member.Name)}",
        HandleKind.MethodSpecification => NameOf(reader, reader.GetMethodSpecification((MethodSpecificationHandle)handle).Method),
        HandleKind.TypeReference when reader.GetTypeReference((TypeReferenceHandle)handle) is var type =>
            type.ResolutionScope.Kind == HandleKind.TypeReference ? $"{NameOf(reader, type.ResolutionScope)}.{reader.GetString(type.Name)}" : $"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}",
        HandleKind.TypeSpecification => GenericName(reader, (TypeSpecificationHandle)handle),
        _ => null,
    };

    /// <summary>The open type of a constructed one; its arguments show up where they are used themselves.</summary>
    private static string? GenericName(MetadataReader reader, TypeSpecificationHandle handle)
    {
        var blob = reader.GetBlobReader(reader.GetTypeSpecification(handle).Signature);
        if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
        {
            return null;
        }

        blob.ReadByte();
        return NameOf(reader, blob.ReadTypeHandle());
    }
}

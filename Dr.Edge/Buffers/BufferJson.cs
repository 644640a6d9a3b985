using System.Text.Json.Serialization;

namespace Dr.Edge.Buffers;

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class BufferJson : JsonSerializerContext;

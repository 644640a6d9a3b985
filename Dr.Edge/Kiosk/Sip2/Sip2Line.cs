using System.Net.Sockets;
using System.Text;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>Messages over one TCP connection, each ended by a carriage return. Bytes pass as they are: what they mean is between the kiosk and the library system.</summary>
internal sealed class Sip2Line(TcpClient client) : IDisposable
{
    private const int MessageBytesMax = 64 * 1024;
    private readonly NetworkStream _stream = client.GetStream();
    private readonly byte[] _buffer = new byte[4096];
    private readonly MemoryStream _message = new();
    private int _from;
    private int _to;

    /// <summary>Null at the end of the connection.</summary>
    /// <exception cref="DrException">A message has no end.</exception>
    public async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            while (_from < _to)
            {
                var next = _buffer[_from++];
                if (next is (byte)'\r' or (byte)'\n')
                {
                    if (_message.Length > 0)
                    {
                        var text = Encoding.Latin1.GetString(_message.GetBuffer(), 0, (int)_message.Length);
                        _message.SetLength(0);
                        return text;
                    }
                }
                else if (_message.Length >= MessageBytesMax)
                {
                    throw new DrException($"A SIP2 message is longer than {MessageBytesMax} bytes.", "Does the other side speak SIP2?");
                }
                else
                {
                    _message.WriteByte(next);
                }
            }

            (_from, _to) = (0, await _stream.ReadAsync(_buffer, cancellationToken));
            if (_to == 0)
            {
                return null;
            }
        }
    }

    public async Task WriteAsync(string message, CancellationToken cancellationToken) => await _stream.WriteAsync(Encoding.Latin1.GetBytes(message + "\r"), cancellationToken);

    public void Dispose()
    {
        _stream.Dispose();
        _message.Dispose();
        client.Dispose();
    }
}

using Dr.Contracts.Cli;
using Dr.Silo.Access;
using Dr.Silo.Hosting;

namespace Dr.Silo.Tests.Hosting;

public sealed class HttpListenerTests
{
    [Theory]
    [InlineData("0.0.0.0:8480")]
    [InlineData("192.168.1.2:8480")]
    [InlineData("[::]:8480")]
    public void Plain_http_where_others_reach_it_is_refused_unless_it_is_said(string address)
    {
        Should.Throw<UsageException>(() => HttpListener.Check(new SiloOptions { Http = address })).Message.ShouldContain("TLS");
        HttpListener.Check(new SiloOptions { Http = address, InsecureHttp = true });
        HttpListener.Check(new SiloOptions { Http = address, TlsCertificate = "c", TlsKey = "k" });
    }

    [Theory]
    [InlineData("127.0.0.1:8480")]
    [InlineData("localhost:8480")]
    [InlineData("[::1]:8480")]
    public void Loopback_is_fine(string address) => HttpListener.Check(new SiloOptions { Http = address });

    [Fact]
    public void Half_of_a_pair_is_refused()
    {
        Should.Throw<UsageException>(() => HttpListener.Check(new SiloOptions { TlsCertificate = "c" }));
        Should.Throw<UsageException>(() => HttpListener.Check(new SiloOptions { Access = new AccessOptions { JwtAuthority = "https://issuer" } })).Message.ShouldContain("audience");
    }
}

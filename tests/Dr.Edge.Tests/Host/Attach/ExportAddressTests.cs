using Dr.Contracts.Errors;
using Dr.Edge.Host.Attach;

namespace Dr.Edge.Tests.Host.Attach;

public sealed class ExportAddressTests
{
    [Theory]
    [InlineData("unix:/run/dr/nbd.sock", "dilas", "nbd+unix:///dilas?socket=%2Frun%2Fdr%2Fnbd.sock")]
    [InlineData("tcp:10.0.0.1:10809", "dilas", "nbd://10.0.0.1:10809/dilas")]
    [InlineData("tcp:10.0.0.1:10809", "dilas@00000abc", "nbd://10.0.0.1:10809/dilas%4000000abc")]
    public void An_address_becomes_what_clients_take(string address, string export, string uri) => ExportAddress.ToUri(address, export).ShouldBe(uri);

    [Theory]
    [InlineData("tcp:10.0.0.1")]
    [InlineData("10.0.0.1:10809")]
    public void Anything_else_is_refused(string address) => Should.Throw<DrException>(() => ExportAddress.ToUri(address, "dilas"));
}

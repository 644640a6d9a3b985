using Dr.Contracts.Mqtt;
using Dr.Silo.Ingress;

namespace Dr.Silo.Tests.Ingress;

public sealed class IngressOptionsTests
{
    /// <summary>As in two containers of one name, where machine name and process id are the same: a broker would end the one connection for the other, for ever.</summary>
    [Fact]
    public void Silos_of_the_same_machine_name_and_process_id_have_client_ids_of_their_own()
    {
        var (one, two) = (new IngressOptions().ClientId, new IngressOptions().ClientId);

        one.ShouldNotBe(two);
        TopicAccess.MayConnect(TopicAccess.ControlPlane, one).ShouldBeTrue();
    }
}

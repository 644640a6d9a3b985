using Dr.Contracts.Errors;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Serialization;

namespace Dr.Silo.Tests.Grains;

/// <summary>An error on another silo reaches its caller as what it is.</summary>
public sealed class ErrorsBetweenSilosTests : ControlPlaneTests
{
    [Fact]
    public void Our_errors_and_the_databases_can_be_sent()
    {
        var serializer = Silo.Services.GetRequiredService<Serializer>();
        Exception sent = new DrException("The database cannot be reached.", "Check it.", new NpgsqlException("gone", new IOException("reset")), isTransient: true);

        var heard = serializer.Deserialize<Exception>(serializer.SerializeToArray(sent));

        heard.ShouldBeOfType<DrException>().Message.ShouldBe(sent.Message);
        heard.InnerException.ShouldBeOfType<NpgsqlException>();
        serializer.Deserialize<Exception>(serializer.SerializeToArray<Exception>(new InvariantException("x"))).ShouldBeOfType<InvariantException>();
    }
}

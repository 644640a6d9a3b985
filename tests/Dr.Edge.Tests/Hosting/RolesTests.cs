using Dr.Edge.Cli;
using Dr.Edge.Hosting;
using Dr.Edge.Link;

namespace Dr.Edge.Tests.Hosting;

public sealed class RolesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-roles-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>A route of one role that cannot be built takes all the others down with it.</summary>
    [Theory]
    [InlineData("appliance")]
    [InlineData("host")]
    [InlineData("kiosk")]
    public async Task Every_role_alone_answers_on_the_control_socket(string role)
    {
        await using var edge = EdgeApp.Build(new EdgeConfig { Data = _directory, Roles = [role] });
        await edge.StartAsync();
        using var client = new ControlClient(Path.Combine(_directory, "control.sock"));
        (await client.GetAsync<LinkView>("link", default)).Connected.ShouldBeFalse();
        await edge.StopAsync();
    }
}

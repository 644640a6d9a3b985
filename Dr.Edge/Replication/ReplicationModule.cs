using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Replication;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class ReplicationModule
{
    public static void AddReplication(this IServiceCollection services, EdgeConfig config)
    {
    }

    public static void MapReplication(this IEndpointRouteBuilder routes)
    {
    }
}

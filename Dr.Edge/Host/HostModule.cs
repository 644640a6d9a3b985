using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Host;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class HostModule
{
    public static void AddHost(this IServiceCollection services, EdgeConfig config)
    {
    }

    public static void MapHost(this IEndpointRouteBuilder routes)
    {
    }
}

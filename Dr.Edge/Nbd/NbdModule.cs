using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Nbd;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class NbdModule
{
    public static void AddNbd(this IServiceCollection services, EdgeConfig config)
    {
    }

    public static void MapNbd(this IEndpointRouteBuilder routes)
    {
    }
}

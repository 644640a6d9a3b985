using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Link;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class LinkModule
{
    public static void AddLink(this IServiceCollection services, EdgeConfig config)
    {
    }

    public static void MapLink(this IEndpointRouteBuilder routes)
    {
    }
}

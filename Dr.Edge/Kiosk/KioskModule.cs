using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Kiosk;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class KioskModule
{
    public static void AddKiosk(this IServiceCollection services, EdgeConfig config)
    {
    }

    public static void MapKiosk(this IEndpointRouteBuilder routes)
    {
    }
}

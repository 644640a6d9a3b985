using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;

namespace Dr.Silo.Access;

/// <summary>Who may call what.</summary>
internal static class AccessModule
{
    public static IServiceCollection AddAccess(this IServiceCollection services, AccessOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AccessStore>();
        services.AddSingleton<TokenUses>();
        services.AddSingleton<SignInService>();
        services.AddHostedService<FirstAdminService>();

        // Without AddAuthentication, which brings data protection along, whose keys are written to the user's home: sessions are rows, not sealed cookies.
        services.AddAuthenticationCore(o => o.DefaultScheme = DrAuthenticationHandler.SchemeName);
        services.AddWebEncoders();
        services.AddSingleton<IAuthenticationConfigurationProvider, NoConfiguration>();
        var schemes = new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, DrAuthenticationHandler>(DrAuthenticationHandler.SchemeName, null);
        if (options.JwtAuthority is { } authority)
        {
            schemes.AddJwtBearer(jwt =>
            {
                (jwt.Authority, jwt.Audience, jwt.MapInboundClaims) = (authority, options.JwtAudience, false);
                jwt.RequireHttpsMetadata = !(Uri.TryCreate(authority, UriKind.Absolute, out var uri) && uri.IsLoopback);
                jwt.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
            });
        }

        services.AddAuthorization(authorization =>
        {
            foreach (var role in Enum.GetValues<Role>())
            {
                authorization.AddPolicy(PolicyOf(role), policy => policy.AddRequirements(new RoleRequirement(role)));
            }

            // A route that somebody forgot to give a role is an administrator's.
            authorization.FallbackPolicy = new AuthorizationPolicyBuilder().AddRequirements(new RoleRequirement(Role.Admin)).Build();
        });
        return services;
    }

    public static TBuilder Requires<TBuilder>(this TBuilder builder, Role role)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(PolicyOf(role));

    public static string PolicyOf(Role role) => role.ToString().ToLowerInvariant();

    private sealed class NoConfiguration : IAuthenticationConfigurationProvider
    {
        public IConfiguration AuthenticationConfiguration { get; } = new ConfigurationBuilder().Build();
    }
}

using Microsoft.AspNetCore.Authorization;

namespace Dr.Silo.Access;

/// <summary>At least this role; the one-time token only where the route says so.</summary>
internal sealed class RoleRequirement(Role role) : AuthorizationHandler<RoleRequirement>, IAuthorizationRequirement
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RoleRequirement requirement)
    {
        if (Caller.Of(context.User) is { } caller && caller.Role >= role
            && (caller.Kind != CallerKind.Setup || (context.Resource as HttpContext)?.GetEndpoint()?.Metadata.GetMetadata<TakesSetupToken>() is not null))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}

/// <summary>Marks the route that makes the first administrator.</summary>
internal sealed class TakesSetupToken;

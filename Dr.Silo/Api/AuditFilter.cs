using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Storage;

namespace Dr.Silo.Api;

/// <summary>Every call that is there to change something leaves an audit entry: who, what, from where, and how it was answered; refused ones too.</summary>
internal sealed class AuditFilter(AuditLog audit, TimeProvider time) : IEndpointFilter
{
    private const string SubjectKey = "dr.subject";
    private const string ActorKey = "dr.actor";
    private const string TextMax = "…";

    /// <summary>What the entry is about, where the path does not say it.</summary>
    public static void About(HttpContext http, string subject) => http.Items[SubjectKey] = subject;

    /// <summary>Who it was, where nobody is signed in.</summary>
    public static void By(HttpContext http, string actor) => http.Items[ActorKey] = actor;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (HttpMethods.IsGet(http.Request.Method))
        {
            return await next(context);
        }

        var result = await next(context);
        var caller = Caller.Of(http.User);
        var operation = http.GetEndpoint()?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName ?? "unnamed";
        var status = (result as IStatusCodeHttpResult)?.StatusCode ?? StatusCodes.Status200OK;
        var subject = http.Items[SubjectKey] as string ?? http.GetRouteValue("id") as string ?? http.GetRouteValue("name") as string ?? http.Request.Path.Value ?? "";
        await audit.AppendAsync(
            [(null, new AuditRecord
            {
                At = time.GetUtcNow(),
                Actor = http.Items[ActorKey] as string ?? caller?.Name ?? "nobody",
                Action = $"api.{operation}",
                Subject = subject.Length > ApiLimits.NameMax ? subject[..ApiLimits.NameMax] + TextMax : subject,
                Text = $"{http.Request.Method} {http.Request.Path} was answered with {status}.",
                Evidence = new Dictionary<string, string>
                {
                    ["from"] = http.Connection.RemoteIpAddress?.ToString() ?? "unknown",
                    ["role"] = caller?.Role.ToString() ?? "none",
                    ["by"] = caller?.Kind.ToString() ?? "nobody",
                    ["token"] = caller?.TokenId ?? "",
                },
            })],
            CancellationToken.None);
        return result;
    }
}

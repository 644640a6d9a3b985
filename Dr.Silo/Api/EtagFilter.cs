using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Dr.Silo.Api;

/// <summary>Answers of GET carry an ETag over what they say; asked with <c>If-None-Match</c> of the same, the answer is 304 without a body.</summary>
internal sealed class EtagFilter(IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var result = await next(context);
        var http = context.HttpContext;
        if (!HttpMethods.IsGet(http.Request.Method) || result is not IValueHttpResult { Value: { } value } || (result as IStatusCodeHttpResult)?.StatusCode is not StatusCodes.Status200OK)
        {
            return result;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), json.Value.SerializerOptions);
        // The link to the next page belongs to the answer: the same page may have got a successor.
        var hash = SHA256.HashData([.. body, .. System.Text.Encoding.UTF8.GetBytes(http.Response.Headers.Link.ToString())]);
        var tag = $"\"{Convert.ToHexStringLower(hash.AsSpan(0, 12))}\"";
        http.Response.Headers.ETag = tag;
        http.Response.Headers.CacheControl = "private, no-cache";
        return http.Request.Headers.IfNoneMatch.SelectMany(h => (h ?? "").Split(',')).Any(t => t.Trim() is "*" || t.Trim() == tag)
            ? Results.StatusCode(StatusCodes.Status304NotModified)
            : Results.Bytes(body, "application/json; charset=utf-8");
    }
}

using Microsoft.AspNetCore.Http.Extensions;

namespace Dr.Silo.Api;

/// <summary>
/// Pages of a list: the body is a plain array, and where there is more, the header <c>Link</c> (RFC 8288, <c>rel="next"</c>) has the address of the next page with
/// the caller's own filters. A cursor is the last item's key, so that a page neither repeats nor skips what stays while others come and go.
/// </summary>
internal static class Paging
{
    public static int Limit(int? asked, int max = ApiLimits.PageMax) => Math.Clamp(asked ?? max, 1, max);

    /// <summary>At most <paramref name="limit"/> of <paramref name="items"/>, which holds one more where there is more.</summary>
    public static IReadOnlyList<T> Page<T>(HttpContext http, IReadOnlyList<T> items, int limit, Func<T, string> cursor)
    {
        if (items.Count <= limit)
        {
            return items;
        }

        var query = new QueryBuilder(http.Request.Query.Where(q => q.Key is not ("after" or "limit")).SelectMany(q => q.Value.Select(v => KeyValuePair.Create(q.Key, v ?? ""))))
        {
            { "after", cursor(items[limit - 1]) },
            { "limit", limit.ToString(CultureInfo.InvariantCulture) },
        };
        http.Response.Headers.Link = $"<{http.Request.Path}{query.ToQueryString()}>; rel=\"next\"";
        return [.. items.Take(limit)];
    }

    /// <summary>The views of <paramref name="keys"/> that <paramref name="wanted"/> takes, up to one more than <paramref name="limit"/>; asks in portions and no more grains than that needs.</summary>
    public static async Task<IReadOnlyList<TView>> ReadAsync<TKey, TView>(IEnumerable<TKey> keys, int limit, Func<TKey, Task<TView?>> read, Func<TView, bool> wanted)
        where TView : class
    {
        List<TView> found = [];
        foreach (var portion in keys.Chunk(ApiLimits.GrainsAtOnce))
        {
            found.AddRange((await Task.WhenAll(portion.Select(read))).OfType<TView>().Where(wanted));
            if (found.Count > limit)
            {
                break;
            }
        }

        return found;
    }
}

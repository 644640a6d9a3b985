using Dr.Silo.Api;
using Microsoft.AspNetCore.Http;

namespace Dr.Silo.Tests.Api;

public sealed class PagingTests
{
    [Theory]
    [InlineData(null, ApiLimits.PageMax)]
    [InlineData(0, 1)]
    [InlineData(-5, 1)]
    [InlineData(7, 7)]
    [InlineData(1_000_000, ApiLimits.PageMax)]
    public void Nobody_gets_more_at_once_than_a_page(int? asked, int given) => Paging.Limit(asked).ShouldBe(given);

    [Fact]
    public void The_next_page_is_named_as_such_begins_after_the_last_item_and_keeps_the_filters()
    {
        var http = new DefaultHttpContext();
        (http.Request.Path, http.Request.QueryString) = ("/api/v1/devices", new QueryString("?role=host&after=a&limit=2"));
        Paging.Page(http, ["b", "c", "d"], 2, x => x).ShouldBe(["b", "c"]);
        http.Response.Headers.Link.ToString().ShouldBe("</api/v1/devices?role=host&after=c&limit=2>; rel=\"next\"");
    }

    [Fact]
    public void The_last_page_has_no_next()
    {
        var http = new DefaultHttpContext();
        Paging.Page(http, ["b", "c"], 2, x => x).ShouldBe(["b", "c"]);
        http.Response.Headers.Link.ShouldBeEmpty();
    }
}

using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Edge.Kiosk;

/// <summary>The page on loopback for the person who services the kiosk: one sentence first, then what it rests on. No script, nothing loaded from elsewhere.</summary>
internal static class StatusPage
{
    private const string Style =
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}h1{font-size:1.4rem}.good{border-left:.5rem solid #2a7d4f;padding-left:1rem}.bad{border-left:.5rem solid #b3261e;padding-left:1rem}"
        + "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}th{font-weight:600}caption{text-align:left;font-weight:600;padding:1.5rem 0 .3rem}";

    public static void MapStatus(this IEndpointRouteBuilder routes, KioskStatus status)
    {
        routes.MapGet("/", async context =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'";
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.WriteAsync(Html(await status.LookAsync(context.RequestAborted)), context.RequestAborted);
        });
        routes.MapGet("/status", async context => await context.Response.WriteAsJsonAsync(await status.LookAsync(context.RequestAborted), KioskJson.Default.KioskView, cancellationToken: context.RequestAborted));
    }

    /// <summary>The page. Pure.</summary>
    internal static string Html(KioskView view)
    {
        var page = new StringBuilder($"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\"><title>Kiosk {Text(view.Device)}</title><style>{Style}</style></head><body>");
        page.Append(CultureInfo.InvariantCulture, $"<h1>Kiosk {Text(view.Device ?? "without a name")}{(view.Site is null ? "" : $", {Text(view.Site)}")}</h1><p class=\"{(view.IsGood ? "good" : "bad")}\">{Text(view.Summary)}</p><table>");
        Row(page, "Control plane", view.LinkUp ? "reached" : $"not reached. {view.LinkTrouble}");
        Row(page, "Reports that wait for it", $"{view.RowsWaiting}");
        if (view.DeliveriesWaiting is { } waiting)
        {
            Row(page, "Library system", view.Library ?? (view.LibraryTrouble is null ? "not asked yet" : $"does not answer. {view.LibraryTrouble}"));
            Row(page, "Transactions that wait for it", $"{waiting}");
        }

        Row(page, "Free disk", Quantities.FormatSize(view.FreeBytes));
        foreach (var file in view.DamagedFiles)
        {
            Row(page, "Set aside", file);
        }

        page.Append("</table>");
        if (view.Recent.Count > 0)
        {
            page.Append("<table><caption>Last transactions taken off line</caption><tr><th>when</th><th>what</th><th>card</th><th>item</th><th>state</th><th>answer</th></tr>");
            foreach (var t in view.Recent)
            {
                page.Append(CultureInfo.InvariantCulture, $"<tr><td>{t.At.ToLocalTime():yyyy-MM-dd HH:mm:ss}</td><td>{Text(t.Kind)}</td><td>{Text(t.Card)}</td><td>{Text(t.Item)}</td><td>{Text(t.State)}</td><td>{Text(t.Answer)}</td></tr>");
            }

            page.Append("</table>");
        }

        return page.Append(CultureInfo.InvariantCulture, $"<p>{view.At.ToLocalTime():yyyy-MM-dd HH:mm:ss}. This page renews itself every 5 seconds.</p></body></html>").ToString();
    }

    private static void Row(StringBuilder page, string name, string value) => page.Append(CultureInfo.InvariantCulture, $"<tr><th>{Text(name)}</th><td>{Text(value)}</td></tr>");

    private static string Text(string? text) => WebUtility.HtmlEncode(text ?? "");
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Dr.Edge.Volumes.Space;
using Spectre.Console;

namespace Dr.Edge.Cli;

/// <summary>Points with what they cost.</summary>
internal static class PointPrinter
{
    public static void PrintTable(IReadOnlyList<PointSummary> points, IReadOnlyList<PointSpace> costs, bool json)
    {
        var byPoint = costs.ToDictionary(cost => cost.Point);
        if (json)
        {
            CommandShell.PrintJson(points.Select(point => WithCost(point, byPoint.GetValueOrDefault(point.Id))));
            return;
        }

        var table = VolumePrinter.Table("point", "time", "write", "consistency", "frees", "label", "reason", "group", "held by");
        foreach (var point in points)
        {
            table.AddRow(
                point.Id.Value, point.At.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture), point.Sequence.ToString(), point.Consistency.ToString().ToLowerInvariant(),
                CostText(byPoint.GetValueOrDefault(point.Id)), Markup.Escape(point.Label ?? ""), Markup.Escape(point.Reason ?? ""),
                Group(point.Group), Markup.Escape(string.Join("; ", point.HeldBy)));
        }

        AnsiConsole.Write(table);
    }

    private static JsonObject WithCost(PointSummary point, PointSpace? cost)
    {
        var node = JsonSerializer.SerializeToNode(point, ControlJson.Readable)!.AsObject();
        node["freedBytes"] = cost?.FreedBytes;
        node["sharedBytes"] = cost?.SharedBytes;
        return node;
    }

    private static string Group(GroupSummary? group) => group is null ? "" : group.Whole ? $"whole, {group.Volumes} volumes" : $"NOT WHOLE: {group.Present} of {group.Volumes} volumes";

    private static string CostText(PointSpace? cost) => cost?.HeldBy is not null ? "held" : cost?.FreedBytes is { } freed ? Quantities.FormatSize(freed) : "?";
}

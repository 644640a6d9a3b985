using System.Text.Json;
using System.Text.Json.Nodes;
using Dr.Edge.Volumes.Space;
using Spectre.Console;

namespace Dr.Edge.Cli;

/// <summary>Points with what they cost.</summary>
internal static class PointPrinter
{
    public static void PrintTable(IReadOnlyList<PointInfo> points, IReadOnlyList<PointSpace> costs, bool json)
    {
        var byPoint = costs.ToDictionary(cost => cost.Point);
        if (json)
        {
            CommandShell.PrintJson(points.Select(point => WithCost(point, byPoint.GetValueOrDefault(point.Id))));
            return;
        }

        var table = VolumePrinter.Table("point", "time", "write", "consistency", "frees", "label", "reason");
        foreach (var point in points)
        {
            table.AddRow(
                point.Id.Value, point.At.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture), point.Sequence.ToString(), point.Consistency.ToString().ToLowerInvariant(),
                CostText(byPoint.GetValueOrDefault(point.Id)), Markup.Escape(point.Label ?? ""), Markup.Escape(point.Reason ?? ""));
        }

        AnsiConsole.Write(table);
    }

    private static JsonObject WithCost(PointInfo point, PointSpace? cost)
    {
        var node = JsonSerializer.SerializeToNode(point, ControlJson.Readable)!.AsObject();
        node["freedBytes"] = cost?.FreedBytes;
        node["sharedBytes"] = cost?.SharedBytes;
        node["heldBy"] = cost?.HeldBy;
        return node;
    }

    private static string CostText(PointSpace? cost) => cost?.HeldBy is not null ? "held" : cost?.FreedBytes is { } freed ? Quantities.FormatSize(freed) : "?";
}

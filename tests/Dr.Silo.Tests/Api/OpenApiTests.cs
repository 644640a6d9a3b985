using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dr.Silo.Tests.Api;

/// <summary>The description of the API is complete, and the one that is checked in is what is served. DR_WRITE_OPENAPI=1 writes it anew.</summary>
public sealed class OpenApiTests(ApiFixture silo) : IClassFixture<ApiFixture>
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    [Fact]
    public async Task The_checked_in_document_is_what_is_served()
    {
        var served = (await silo.Http.GetFromJsonAsync<JsonObject>("/openapi/v1.json"))!;
        served.Remove("servers"); // The address of this run.
        var text = served.ToJsonString(Indented) + "\n";
        var path = Path.Combine(Path.GetDirectoryName(SourceFile())!, "..", "..", "..", "Dr.Silo", "Api", "openapi.json");
        if (Environment.GetEnvironmentVariable("DR_WRITE_OPENAPI") == "1")
        {
            await File.WriteAllTextAsync(path, text);
        }

        (await File.ReadAllTextAsync(path)).ShouldBe(text, "Look at the difference; if it is meant, run this test once with DR_WRITE_OPENAPI=1.");
    }

    [Fact]
    public async Task Every_operation_has_a_name_a_summary_a_tag_and_its_answers()
    {
        var operations = await OperationsAsync();

        operations.Count.ShouldBeGreaterThan(20);
        operations.Select(o => o.Body.GetProperty("operationId").GetString()).ShouldBeUnique();
        foreach (var (at, body) in operations)
        {
            body.GetProperty("summary").GetString().ShouldNotBeNullOrWhiteSpace(at);
            body.GetProperty("tags").GetArrayLength().ShouldBe(1, at);
            var statuses = body.GetProperty("responses").EnumerateObject().Select(r => r.Name).ToList();
            statuses.ShouldContain(s => s.StartsWith('2'), at);
            if (at.Contains("/api/v1", StringComparison.Ordinal))
            {
                statuses.ShouldContain("401", at);
                statuses.ShouldContain("403", at);
            }
        }
    }

    [Fact]
    public async Task Starting_a_run_says_every_way_in_which_it_is_refused()
    {
        var start = (await OperationsAsync()).Single(o => o.At == "post /api/v1/runs").Body;

        start.GetProperty("responses").EnumerateObject().Select(r => r.Name).ShouldBe(["202", "400", "401", "403", "404", "409", "412", "423", "428", "503"], ignoreOrder: true);
        start.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()).ShouldBe(["If-Match", "Idempotency-Key"], ignoreOrder: true);
    }

    private async Task<List<(string At, JsonElement Body)>> OperationsAsync() =>
        [.. (await silo.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json")).GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => ($"{operation.Name} {path.Name}", operation.Value)))];

    private static string SourceFile([CallerFilePath] string file = "") => file;
}

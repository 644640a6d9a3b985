using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using Dr.EndToEnd.Tests.Link;
using Dr.EndToEnd.Tests.WebConsole;

namespace Dr.EndToEnd.Tests.Tls;

/// <summary>Taking over by force as two people do it: <c>curl</c> and <c>dr-silo</c> over HTTPS against a real control plane, each signed in as themselves.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ForceOverHttpsTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private const string Password = "correct horse battery";

    private readonly string _folder = Directory.CreateTempSubdirectory("dr-force-").FullName;
    private TestAuthority _authority = null!;
    private RunningSilo _silo = null!;

    private string Url => string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{_silo.HttpPort}");

    public async ValueTask InitializeAsync()
    {
        _authority = new TestAuthority(_folder, "organisation");
        var (certificate, key) = _authority.Issue("silo");
        _silo = await RunningSilo.StartAsync(ScriptedLibrary.Config, "--require-sign-in", "--tls-certificate", certificate, "--tls-key", key);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Two_people_take_over_by_force_one_person_twice_does_not_and_the_audit_has_both()
    {
        await using var library = new ScriptedLibrary(_silo.BrokerPort);
        var first = (await File.ReadAllTextAsync(Path.Combine(_silo.DataFolder, "first-admin.token"))).Trim();
        var admin = await PersonAsync(first, "mei", "admin");
        using var stranger = new TestAuthority(_folder, "stranger");
        (await CurlAsync(stranger.CaFile, admin, "GET", "/api/v1/systems")).ShouldBe((60, ""), "the certificate is of another authority");
        (await Repository.RunAsync("curl", ["-s", "-m", "5", Url.Replace("https", "http", StringComparison.Ordinal)], Limit)).Status.ShouldNotBe(0, "nothing is served in the clear");
        (await StatusAsync("", "GET", "/api/v1/systems")).ShouldBe(401);

        var (wang, li, guest) = (await PersonAsync(admin, "wang", "commander"), await PersonAsync(admin, "li", "commander"), await PersonAsync(admin, "guest", "operator"));
        await Eventually.TrueAsync("the system to be protected", async () => (await SystemAsync(wang)).GetProperty("phase").GetString() == "Protected", TimeSpan.FromSeconds(180));

        (await ForceAsync(guest, "k0", "I am sure")).Status.ShouldBe(403, "an operator may not");
        (await ForceAsync(wang, "k1", "the rack is dark")).Status.ShouldBe(202);
        (await ForceAsync(wang, "k1", "the rack is dark")).Status.ShouldBe(202, "the same order again, because its answer was lost");
        var twice = await ForceAsync(wang, "k2", "it is really dark");
        twice.Status.ShouldBe(412, twice.Body.ToString());
        twice.Body.GetProperty("unmetGuards")[0].GetString()!.ShouldContain("another person");
        var waiting = await SystemAsync(wang);
        (waiting.GetProperty("phase").GetString(), waiting.GetProperty("epoch").ToString()).ShouldBe(("Deciding", "1"), "one person alone moves nothing");

        // The second person works from the command line.
        var token = Path.Combine(_folder, "li.token");
        await File.WriteAllTextAsync(token, li);
        File.SetUnixFileMode(token, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string[] line = ["--server", Url, "--ca", _authority.CaFile, "--token-file", token];
        var second = await Repository.RunAsync(Repository.Program("Dr.Silo", "dr-silo"), ["force", "dilas", "--reason", "the room burns", "--statement", "I pulled the plug", .. line], Limit);
        second.Status.ShouldBe(0, second.Output);

        await Eventually.TrueAsync("the system to be taken over", async () => (await SystemAsync(wang)).GetProperty("phase").GetString() == "OnTrial", TimeSpan.FromSeconds(180));
        var taken = await SystemAsync(wang);
        (taken.GetProperty("epoch").ToString(), taken.GetProperty("site").GetString()).ShouldBe(("2", "backup"));
        var facts = taken.GetProperty("liveRun").GetProperty("facts");
        facts.GetProperty("approvedBy").GetString().ShouldBe("wang and li");
        facts.GetProperty("attestation").GetString().ShouldBe("wang: the rack is dark li: I pulled the plug");

        var audit = JsonDocument.Parse((await CurlAsync(_authority.CaFile, wang, "GET", "/api/v1/audit?subject=dilas&limit=500")).Output).RootElement.EnumerateArray().ToArray();
        audit.Where(e => e.GetProperty("action").GetString() is "StartForce" or "Attest").Select(e => e.GetProperty("actor").GetString()).ShouldBe(["wang", "wang", "li"], "both are on record, and the repeated order of the first");
        var verified = await Repository.RunAsync(Repository.Program("Dr.Silo", "dr-silo"), ["audit", "verify", .. line], Limit);
        verified.Output.ShouldContain("Every entry fits");
    }

    private async Task<JsonElement> SystemAsync(string token) => JsonDocument.Parse((await CurlAsync(_authority.CaFile, token, "GET", "/api/v1/systems/dilas")).Output).RootElement;

    private async Task<string> PersonAsync(string admin, string name, string role)
    {
        await CurlAsync(_authority.CaFile, admin, "POST", "/api/v1/users", JsonSerializer.Serialize(new { name, role, password = Password }));
        var signedIn = (await CurlAsync(_authority.CaFile, "", "POST", "/api/v1/sign-in", JsonSerializer.Serialize(new { name, password = Password }))).Output;
        signedIn.ShouldContain("\"token\":");
        return JsonDocument.Parse(signedIn).RootElement.GetProperty("token").GetString()!;
    }

    private async Task<(int Status, JsonElement Body)> ForceAsync(string token, string key, string statement)
    {
        var (_, output) = await CurlAsync(
            _authority.CaFile, token, "POST", "/api/v1/systems/dilas/force", JsonSerializer.Serialize(new { reason = "the room burns", statement }), "-H", "If-Match: \"1\"", "-H", $"Idempotency-Key: {key}", "-w", "\n%{http_code}");
        var at = output.LastIndexOf('\n');
        return (int.Parse(output[(at + 1)..], CultureInfo.InvariantCulture), at > 0 ? JsonDocument.Parse(output[..at]).RootElement : default);
    }

    private async Task<int> StatusAsync(string token, string method, string path) =>
        int.Parse((await CurlAsync(_authority.CaFile, token, method, path, null, "-o", "/dev/null", "-w", "%{http_code}")).Output, CultureInfo.InvariantCulture);

    private Task<(int Status, string Output)> CurlAsync(string ca, string token, string method, string path, string? body = null, params string[] more) => Repository.RunAsync(
        "curl",
        [
            "-s", "-m", "20", "--cacert", ca, "-X", method, "-H", "Accept: application/json", .. token.Length > 0 ? new[] { "-H", $"Authorization: Bearer {token}" } : [],
            .. body is null ? Array.Empty<string>() : ["-H", "Content-Type: application/json", "-d", body], .. more, $"{Url}{path}",
        ],
        Limit);
}

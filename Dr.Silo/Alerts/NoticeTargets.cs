using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dr.Contracts.Grains;
using EventLog = Dr.Silo.Storage.EventLog;

namespace Dr.Silo.Alerts;

/// <summary>Every alert's change is an event, too, so that the page and event streams have it.</summary>
internal sealed class EventTarget(EventLog events) : INoticeTarget
{
    public string Name => "events";

    public bool WorksAlone => false;

    public async Task<string?> TellAsync(string id, string body, CancellationToken cancellationToken)
    {
        var notice = JsonSerializer.Deserialize(body, AlertJson.Default.NoticeBody)!;
        await events.AppendAsync(
            [(id, new EventRecord
            {
                At = notice.At,
                Kind = "alert",
                Subject = notice.Subject[(notice.Subject.IndexOf(':', StringComparison.Ordinal) + 1)..],
                Severity = notice.Change == "Cleared" ? Severity.Information : notice.Level == "Critical" ? Severity.Critical : Severity.Warning,
                Text = $"{notice.Change}: {notice.Title}. {notice.Text}",
                Data = new Dictionary<string, string> { ["alert"] = notice.Alert, ["kind"] = notice.Kind, ["change"] = notice.Change, ["runbook"] = notice.Runbook },
            })],
            cancellationToken);
        return null;
    }
}

internal sealed class WebhookTarget(HttpClient http, string url) : INoticeTarget
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // The address may have a secret in it.
    public string Name { get; } = $"webhook:{NoticeName.Of(url)}";

    public bool WorksAlone => true;

    public async Task<string?> TellAsync(string id, string body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", id);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Limit);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return answer.IsSuccessStatusCode ? null : $"It answered {(int)answer.StatusCode}.";
        }
        catch (HttpRequestException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"It did not answer within {Limit.TotalSeconds:0} s.";
        }
    }
}

internal sealed class CommandTarget(string path) : INoticeTarget
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private const int ErrorMax = 500;

    public string Name { get; } = $"command:{NoticeName.Of(path)}";

    public bool WorksAlone => true;

    public async Task<string?> TellAsync(string id, string body, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(path) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["DR_ALERT_ID"] = id;
        try
        {
            using var process = Process.Start(start)!;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Limit);
            try
            {
                var said = Task.WhenAll(process.StandardError.ReadToEndAsync(limit.Token), process.StandardOutput.ReadToEndAsync(limit.Token));
                await WriteAsync(process, body, limit.Token);
                await process.WaitForExitAsync(limit.Token);
                var text = string.Concat(await said).Trim();
                return process.ExitCode == 0 ? null : $"It ended with {process.ExitCode}: {(text.Length > ErrorMax ? text[..ErrorMax] : text)}";
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return $"It did not end within {Limit.TotalSeconds:0} s.";
            }
        }
        catch (Win32Exception e)
        {
            return $"It cannot be started: {e.Message}";
        }
    }

    private static async Task WriteAsync(Process process, string body, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteLineAsync(body.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not read its input, which is its own affair: its exit status counts.
        }
    }
}

internal static class NoticeName
{
    public static string Of(string target) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(target)).AsSpan(0, 6));
}

namespace Dr.Silo.Alerts;

/// <summary>Alerts: followed by a grain, told from an outbox.</summary>
internal static class AlertModule
{
    // For the life of the process; the addresses behind the names are looked up again now and then.
    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false });

    public static IServiceCollection AddAlerts(this IServiceCollection services, AlertOptions options)
    {
        services.AddSingleton<AlertStore>();
        services.AddSingleton<AlertFactsReader>();
        services.AddSingleton<INoticeTarget, EventTarget>();
        foreach (var url in options.Webhooks)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            {
                throw new Contracts.Cli.UsageException($"--alert-webhook: '{url}' is not an address.", "Write https://HOST/PATH.");
            }

            services.AddSingleton<INoticeTarget>(new WebhookTarget(Http, url));
        }

        foreach (var path in options.Commands)
        {
            services.AddSingleton<INoticeTarget>(new CommandTarget(path));
        }

        services.AddSingleton<NoticeOutbox>();
        services.AddHostedService(provider => provider.GetRequiredService<NoticeOutbox>());
        services.AddSingleton<AlertService>();
        services.AddHostedService(provider => provider.GetRequiredService<AlertService>());
        return services;
    }
}

using Dr.Contracts.Tls;
using Dr.Edge.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Enrolment;

/// <summary>What an enrolled device has beyond others: an identity that fills in the configuration, renewal, and the list of what was revoked.</summary>
internal static class EnrolmentModule
{
    /// <summary>Fills in what the configuration leaves out from the identity of the data directory, if there is one.</summary>
    /// <exception cref="DrException">The configuration says that this is another device.</exception>
    public static void ApplyIdentity(this EdgeConfig config)
    {
        var files = new IdentityFiles(config.Data);
        if (files.Read() is not { } identity)
        {
            return;
        }

        if (config.Device is { } device && device != identity.Device)
        {
            throw new DrException($"The configuration says that this device is {device}, but it enrolled as {identity.Device}.", "Mend 'device', or enrol with a token for that name.");
        }

        config.Device = identity.Device;
        config.Site ??= identity.Site;
        if (config.HasDefaultRoles && identity.Role is "kiosk" or "host" or "appliance")
        {
            config.Roles = [identity.Role];
        }

        if (config.Brokers.Count == 0 && config.Site is not null)
        {
            config.Brokers = [.. identity.Brokers];
        }

        if (!config.BrokerTls.IsOn)
        {
            (config.BrokerTls.Certificate, config.BrokerTls.Key, config.BrokerTls.Ca) = (files.Device, files.Device, files.Authority);
        }

        if (identity.Role == "appliance" && config.Replication.Tls is { Certificate: null, Key: null, Ca: null } tls)
        {
            (tls.Certificate, tls.Key, tls.Ca) = (files.Device, files.Device, files.Authority);
        }
    }

    public static void AddEnrolment(this IServiceCollection services, EdgeConfig config)
    {
        services.AddSingleton<Revocations>();
        services.AddSingleton<CertificateState>();
        services.AddSingleton<CertificateInstruments>();
        var files = new IdentityFiles(config.Data);
        if (files.Read() is not null)
        {
            services.AddSingleton(files);
            services.AddSingleton<Enroller>();
            services.AddHostedService<RenewalService>();

            // Before anything listens or dials: what was known to be revoked when the process ended is refused from its start on.
            services.AddHostedService<RevocationFeed>();
        }
    }
}

namespace Dr.Silo.Certificates;

/// <summary>What the certificate authority adds to the silo's host.</summary>
internal static class CertificatesModule
{
    public static void AddCertificates(this IServiceCollection services, CertificateOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AuthorityHolder>();
        services.AddSingleton<CertificateStore>();
        services.AddSingleton<RevocationWatch>();
        services.AddSingleton<CertificateService>();
        services.AddSingleton<EnrolmentLimiter>();
        services.AddHostedService(provider => provider.GetRequiredService<RevocationWatch>());
    }
}

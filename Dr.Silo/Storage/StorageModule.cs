namespace Dr.Silo.Storage;

/// <summary>Everything that keeps something, on one database.</summary>
public static class StorageModule
{
    public static IServiceCollection AddStorage(this IServiceCollection services, Database database)
    {
        services.AddSingleton(database);
        services.AddSingleton<Migrator>();
        services.AddSingleton<OwnershipLedger>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<EventLog>();
        services.AddSingleton<RunJournal>();
        services.AddSingleton<KnownThings>();
        services.AddSingleton<EvidenceStore>();
        services.AddSingleton<IDataSink, DataSink>();
        return services;
    }
}

using Dr.Silo.Tests.Support;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>One PostgreSQL for the tests of clusters; each has a database of its own in it.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterCollection : ICollectionFixture<PostgresServer>
{
    public const string Name = "cluster";
}

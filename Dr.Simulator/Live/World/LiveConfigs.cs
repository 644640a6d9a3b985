using System.Text;
using Dr.Simulator.Live.Faults;

namespace Dr.Simulator.Live.World;

/// <summary>The configuration files of the live world. Pure.</summary>
internal static class LiveConfigs
{
    public const int BrokerPort = 1883;
    public const int StorePort = 5432;
    public const int ReplicationPort = 10810;
    public const int HttpPort = 8480;
    public const int SiloPort = 11111;
    public const int GatewayPort = 30000;

    /// <summary>
    /// A site that is cut off goes on answering until its lease lapses, and with a streamed copy all of that is lost: what is promised of one (<see cref="Judging.LiveVerdict.StreamLossLimit"/>) takes a lease that is
    /// shorter than it, by what may be under way on the line.
    /// </summary>
    private const string LeaseOfStream = "4s";

    private const string LeaseOfSync = "6s";

    public static IReadOnlyList<string> Kiosks { get; } = ["kiosk-1", "kiosk-2"];

    public static string Device(string site) => site == LivePlaces.Production ? "prod-1" : "back-1";

    public static string Silo(IReadOnlyList<LiveSystem> systems)
    {
        var text = new StringBuilder("""
            sites: [ {id: production}, {id: backup}, {id: street} ]
            devices:
              - { id: prod-1, site: production, roles: [appliance, host], busyPeriod: 1s }
              - { id: back-1, site: backup, roles: [appliance, host], busyPeriod: 1s }

            """);
        foreach (var kiosk in Kiosks)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - {{ id: {kiosk}, site: street, roles: [kiosk], busyPeriod: 1s }}\n");
        }

        text.Append("systems:\n");
        foreach (var system in systems)
        {
            text.Append(CultureInfo.InvariantCulture, $$"""
                  - id: {{system.Id}}
                    class: T
                    home: {{system.Home}}
                    volume: {{system.Id}}
                    size: {{LiveSystem.Size}}
                    copy: { mode: {{system.Copy}} }
                    hosts: { production: prod-1, backup: back-1 }
                    appliances: { production: prod-1, backup: back-1 }
                    replication: { production: "{{At(LivePlaces.Production)}}", backup: "{{At(LivePlaces.Backup)}}" }
                    approval: automatic
                    lossLimit: 1m
                    leaseTtl: {{(system.IsSync ? LeaseOfSync : LeaseOfStream)}}
                    trial: 30m
                    points: 10s

                """);
        }

        return text.ToString();
    }

    /// <param name="disk">The file system of the volume store.</param>
    /// <param name="folder">For sockets and mounts.</param>
    /// <param name="mosquitto">The program of the systems without a database.</param>
    public static string Site(string site, IReadOnlyList<LiveSystem> systems, string disk, string folder, string mosquitto)
    {
        var text = new StringBuilder($$"""
            device: {{Device(site)}}
            site: {{site}}
            roles: [appliance, host]
            data: {{disk}}/data
            control: {{Control(folder)}}
            nbd: { socket: {{NbdSocket(folder)}} }
            replication: { listen: "{{At(site)}}" }
            brokers: [ "{{LiveNetwork.Address(LivePlaces.Third)}}:{{BrokerPort}}" ]
            systems:

            """);
        foreach (var system in systems)
        {
            text.Append(CultureInfo.InvariantCulture, $$"""
                  - id: {{system.Id}}
                    volume: {{system.Id}}
                    lease: true
                    network:
                      - { kind: address, address: {{system.ServiceAddress}}/32, device: eth0 }

                """);
            text.Append(system.HasDatabase ? Database(system, folder) : $"    components:\n      - {{ name: app, start: \"exec {mosquitto} -c {ProgramConfig(folder, system)}\", check: {{ tcp: \"127.0.0.1:{system.ServicePort}\", period: 1s }} }}\n");
        }

        return text.ToString();
    }

    public static string Kiosk(string kiosk, IReadOnlyList<LiveSystem> systems, string folder)
    {
        var targets = string.Concat(systems.Select(s => $"  \"system:{s.Id}\": \"tcp://{s.ServiceAddress}:{s.ServicePort}\"\n"));
        return $"device: {kiosk}\nsite: street\nroles: [kiosk]\ndata: {folder}/data\ncontrol: {Control(folder)}\nbrokers: [ \"{LiveNetwork.Address(LivePlaces.Third)}:{BrokerPort}\" ]\ntargets:\n{targets}";
    }

    /// <summary>Where the program of a system without a database has its configuration.</summary>
    public static string ProgramConfig(string folder, LiveSystem system) => $"{folder}/{system.Id}.conf";

    public static string Program(LiveSystem system) => Listener($"{system.ServicePort} 0.0.0.0");

    public static string Broker() => Listener($"{BrokerPort} {LiveNetwork.Address(LivePlaces.Third)}");

    private static string Listener(string where) =>
        $"listener {where}\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nmax_queued_messages 10000\nmax_inflight_messages 1000\n";

    public static string Control(string folder) => $"{folder}/control.sock";

    public static string NbdSocket(string folder) => $"{folder}/nbd.sock";

    private static string At(string site) => $"{LiveNetwork.Address(site)}:{ReplicationPort}";

    private static string Database(LiveSystem system, string folder) => $$"""
            mount: {{folder}}/{{system.Id}}
            fileSystem: ext4
            quiesce: { provider: postgresql, timeout: 10s }
            components:
              - name: postgresql
                kind: postgresql
                dataDirectory: {{folder}}/{{system.Id}}/pg
                address: 0.0.0.0
                port: {{system.ServicePort}}
                user: postgres
                authentication: trust
                clients: [ "{{LiveNetwork.ServiceNetwork}}", "127.0.0.0/8" ]
                check: { sql: "select 1", period: 1s, timeout: 2s }

        """;
}

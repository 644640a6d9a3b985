using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Contracts.Hosting;
using Dr.Silo.Hosting;
using Dr.Silo.Tracing;

namespace Dr.Silo.Cli;

/// <summary><c>dr-silo run</c>.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var data = new Option<string?>("--data") { Description = "Data directory of the embedded store (one silo, nothing to install).", HelpName = "DIR" };
        var postgres = new Option<string?>("--postgres") { Description = "PostgreSQL connection string: a cluster of silos on one database. Host=a,b names a primary and its standbys; SSL Mode=VerifyFull;Root Certificate=PEM is TLS to it.", HelpName = "CONNECTION" };
        var http = new Option<string>("--http") { Description = "Address of the admin API and the console.", HelpName = "HOST:PORT", DefaultValueFactory = _ => "127.0.0.1:8480" };
        var broker = new Option<string[]>("--broker") { Description = "MQTT broker to use; with several, all are heard and each device chooses.", HelpName = "HOST:PORT" };
        var listen = new Option<string?>("--mqtt-listen") { Description = "Run the embedded MQTT broker here.", HelpName = "HOST:PORT" };
        var mqttCertificate = new Option<string?>("--mqtt-tls-certificate") { Description = "TLS with devices: this silo's certificate, common name control-plane, good as client (and as server with --mqtt-listen, naming the address that devices use). Read again when it changes.", HelpName = "PEM" };
        var mqttKey = new Option<string?>("--mqtt-tls-key") { Description = "TLS with devices: the key of the certificate.", HelpName = "PEM" };
        var mqttCa = new Option<string?>("--mqtt-tls-ca") { Description = "TLS with devices: the CA of brokers and devices. A device's certificate has its id as common name.", HelpName = "PEM" };
        var config = new Option<string?>("--config") { Description = "YAML file with sites, devices and systems.", HelpName = "FILE" };
        var siloAddress = new Option<string>("--silo-address") { Description = "Address by which the other silos reach this one.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };
        var siloCertificate = new Option<string?>("--silo-tls-certificate") { Description = "TLS between silos: this silo's certificate, good as client and as server. Read again when it changes.", HelpName = "PEM" };
        var siloKey = new Option<string?>("--silo-tls-key") { Description = "TLS between silos: the key of the certificate.", HelpName = "PEM" };
        var siloCa = new Option<string?>("--silo-tls-ca") { Description = "TLS between silos: the CA of all silos, and of nothing else. Who shows no certificate of it is refused.", HelpName = "PEM" };
        var dashboard = new Option<bool>("--dashboard") { Description = "Serve the dashboard of grains and silos under /dashboard, for administrators. It measures every call, which costs a little." };
        var siloPort = new Option<int>("--silo-port") { Description = "Port between silos (0 = a free one).", HelpName = "PORT" };
        var gatewayPort = new Option<int>("--gateway-port") { Description = "Port for cluster clients (0 = a free one).", HelpName = "PORT" };
        var command = new Command("run", "Run the control plane; prints \"ready\" once it serves. OTEL_EXPORTER_OTLP_ENDPOINT in the environment sends traces of runs and API requests there.") { data, postgres, http, broker, listen, config, siloAddress, siloPort, gatewayPort, siloCertificate, siloKey, siloCa, mqttCertificate, mqttKey, mqttCa, dashboard };
        var web = new WebOptions(command);
        var certificates = new CertificateRunOptions(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = web.Read(parsed) with
            {
                Tracing = TraceModule.OfThisProcess(),
                DataDirectory = parsed.GetValue(data),
                Postgres = parsed.GetValue(postgres),
                Http = parsed.GetValue(http)!,
                Brokers = parsed.GetValue(broker) ?? [],
                MqttListen = parsed.GetValue(listen),
                MqttTlsCertificate = parsed.GetValue(mqttCertificate),
                MqttTlsKey = parsed.GetValue(mqttKey),
                MqttTlsCa = parsed.GetValue(mqttCa),
                ConfigPath = parsed.GetValue(config),
                Certificates = certificates.Read(parsed),
                SiloAddress = parsed.GetValue(siloAddress)!,
                SiloTlsCertificate = parsed.GetValue(siloCertificate),
                SiloTlsKey = parsed.GetValue(siloKey),
                SiloTlsCa = parsed.GetValue(siloCa),
                Dashboard = parsed.GetValue(dashboard),
                SiloPort = parsed.GetValue(siloPort),
                GatewayPort = parsed.GetValue(gatewayPort),
            };
            if (options.DataDirectory is null == options.Postgres is null)
            {
                throw new UsageException("Give either --data DIR or --postgres CONNECTION.", "--data keeps everything in one file; --postgres is for several silos.");
            }

            if (options.Brokers.Count == 0 == options.MqttListen is null)
            {
                throw new UsageException("Give either --broker HOST:PORT or --mqtt-listen HOST:PORT.", "--mqtt-listen runs the embedded broker, which is enough for one machine.");
            }

            var plan = options.ConfigPath is null ? SiloPlan.Empty : SiloConfigFile.Read(options.ConfigPath);
            await using var app = await SiloApp.BuildAsync(options, plan, cancellationToken);
            await app.StartAsync(cancellationToken);
            await Console.Out.WriteLineAsync("ready");
            await Console.Out.FlushAsync(CancellationToken.None);
            await app.WaitForEndAsync(cancellationToken);
            return ProgramShell.Done;
        });
        return command;
    }
}

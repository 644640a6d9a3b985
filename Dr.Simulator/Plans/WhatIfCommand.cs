using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Silo.Hosting;
using Dr.Simulator.Reports;
using Dr.Simulator.World;
using Spectre.Console;

namespace Dr.Simulator.Plans;

/// <summary><c>dr-sim what-if</c>.</summary>
internal static class WhatIfCommand
{
    private const int MaxSeeds = 10_000;

    public static Command Create()
    {
        var options = new PlanOptions();
        var lost = new Option<string>("--site-lost") { Description = $"The site that is lost: {Places.ProductionSite} or {Places.BackupSite}.", HelpName = "SITE", Required = true }.AcceptOnlyFromAmong(Places.ProductionSite.Value, Places.BackupSite.Value);
        var at = new Option<string>("--at") { Description = "When: weekday and time by the library's clock.", HelpName = "\"Tue 14:00\"", DefaultValueFactory = _ => "Tue 14:00" };
        var config = new Option<string?>("--config") { Description = "The control plane's configuration (YAML): priorities, dependencies, loads, approvals, capacity of the sites.", HelpName = "FILE" };
        var capacity = new Option<double?>("--capacity") { Description = "What the other site carries, in the units of the loads (default: the configuration's, or everything).", HelpName = "N" };
        var depends = new Option<string[]>("--depends") { Description = "A system that waits for others.", HelpName = "SYSTEM=OTHER,…" };
        var priority = new Option<string[]>("--priority") { Description = "A system's priority; smaller goes first.", HelpName = "SYSTEM=N" };
        var home = new Option<string[]>("--home") { Description = $"Where a system serves, {Places.ProductionSite} or {Places.BackupSite} (default: the configuration's, or {Places.ProductionSite}).", HelpName = "SYSTEM=SITE" };
        var load = new Option<string[]>("--load") { Description = "What a system takes of the capacity.", HelpName = "SYSTEM=N" };
        var seed = new Option<ulong>("--seed") { Description = "First seed; same seed, same plan.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds") { Description = "Losses that are played through.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var command = new Command("what-if", "Say what happens when a site is lost: which systems go over in which order, how long each takes, what is lost, and what does not fit.")
        {
            lost, at, options.Policies, config, capacity, depends, priority, home, load, seed, seeds, options.Json, options.Csv,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(seeds) is var count && count is < 1 or > MaxSeeds)
            {
                throw new UsageException($"--seeds {count}: it is a number from 1 to {MaxSeeds}.", "A hundred gives a firm median.");
            }

            if (parsed.GetValue(capacity) is < 0)
            {
                throw new UsageException("--capacity cannot be negative.", "Write what the other site carries, in the units of the loads.");
            }

            var moment = PlannedMoment.Parse(parsed.GetValue(at)!);
            var settings = parsed.GetValue(config) is { } file ? SiloConfigFile.Read(file) : null;
            var planned = PlannedSystems.Of(options.Read(parsed), settings, parsed.GetValue(depends) ?? [], parsed.GetValue(priority) ?? [], parsed.GetValue(load) ?? [], parsed.GetValue(home) ?? []);
            var site = parsed.GetValue(lost) == Places.BackupSite.Value ? Places.BackupSite : Places.ProductionSite;
            double? carries = parsed.GetValue(capacity) ?? (settings is not null && settings.Capacities.TryGetValue(Places.Other(site), out var configured) ? configured : null);
            // On another thread: before the action returns for the first time, nobody listens for Ctrl-C.
            var forecast = await Task.Run(() => YearProgress.Run(count, done => SiteForecast.Make(planned, site, moment, carries, parsed.GetValue(seed), count, done, cancellationToken)), cancellationToken);
            options.Print(parsed, forecast, () => PlanCsv.Render(forecast), () => PlanTables.Write(AnsiConsole.Console, forecast));
            return ProgramShell.Done;
        });
        return command;
    }
}

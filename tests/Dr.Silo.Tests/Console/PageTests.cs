using Bunit;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.WebConsole;
using Dr.Silo.WebConsole.Components;
using static Dr.Silo.Tests.WebConsole.Views;

namespace Dr.Silo.Tests.WebConsole;

public sealed class PageTests : BunitContext
{
    private IRenderedComponent<LiveBody> Show(ConsoleSnapshot snapshot) => Render<LiveBody>(p => p.Add(b => b.Snapshot, snapshot));

    private static ConsoleSnapshot With(params SystemView[] systems) => new()
    {
        At = Now,
        Systems = systems,
        Sites = [new SiteView { Id = Production }, new SiteView { Id = Backup }, new SiteView { Id = new SiteId("street") }],
        Devices = [Device("prod-1", "production"), Device("back-1", "backup", Presence.Silent), Device("kiosk-1", "street", Presence.Alive, "kiosk")],
    };

    [Fact]
    public void The_two_sites_stand_side_by_side_and_third_places_below()
    {
        var page = Show(With(Library()));
        page.FindAll(".sites:not(.third) > .site").Select(s => s.Id).ShouldBe(["site-production", "site-backup"]);
        page.FindAll(".sites.third > .site").Select(s => s.Id).ShouldBe(["site-street"]);
        page.Find("#site-production .serves").TextContent.ShouldContain("DILAS");
        page.Find("#site-backup .serves").TextContent.ShouldContain("can take over DILAS");
    }

    [Fact]
    public void A_device_shows_presence_as_a_word_and_when_it_was_heard()
    {
        var page = Show(With(Library()));
        page.Find("#device-back-1").TextContent.ShouldContain("silent");
        page.Find("#device-back-1 .age").TextContent.ShouldBe("1 min 35 s ago");
        page.Find("#device-prod-1 .badge").TextContent.ShouldBe("alive");
    }

    [Fact]
    public void A_crowd_shows_all_in_trouble_and_counts_the_rest()
    {
        var kiosks = Enumerable.Range(0, 300).Select(i => Device($"kiosk-{i}", "street", i % 100 == 7 ? Presence.Silent : Presence.Alive, "kiosk")).ToList();
        var page = Show(With(Library()) with { Devices = kiosks });
        page.FindAll("#site-street .device").Count.ShouldBe(3 + 12);
        page.FindAll("#site-street .device[data-presence=silent]").Count.ShouldBe(3);
        page.Find("#site-street").TextContent.ShouldContain("and 285 more, all of them alive.");
    }

    [Fact]
    public void A_system_shows_its_phase_epoch_site_age_points_and_conditions_with_reasons()
    {
        var card = Show(With(Library() with { Reason = "Copy current at back-1" })).Find("#system-dilas");
        Text(card, "phase").ShouldContain("Protected");
        Text(card, "phase").ShouldContain("for 12 min");
        Text(card, "epoch").ShouldBe("3");
        Text(card, "site").ShouldBe("production");
        Text(card, "data-age").ShouldBe("0.4 s");
        Text(card, "points").ShouldBe("17");
        Text(card, "loss").ShouldBe("about 0.4 s limit 5 min");
        Text(card, "condition-DataProtected").ShouldContain("as it should be");
        card.TextContent.ShouldContain("Copy current at back-1.");
        card.TextContent.ShouldContain("application-consistent");
        card.TextContent.ShouldContain("postgresql");
    }

    [Fact]
    public void A_system_without_data_shows_no_figures_about_copies()
    {
        var card = Show(With(Library() with { Volume = null, Class = TakeoverClass.R })).Find("#system-dilas");
        card.QuerySelectorAll("[data-testid=data-age], [data-testid=points], [data-testid=loss]").ShouldBeEmpty();
    }

    [Fact]
    public void A_live_run_shows_its_steps_with_state_time_and_evidence()
    {
        var run = Run(RunState.Running, Step("DemoteCopy", StepState.Failed, "Shut the write gate at production"), Step("PromoteCopy", StepState.Intended, "Promote the copy at backup"));
        var page = Show(With(Library() with { LiveRun = run }));
        var steps = page.FindAll("#system-dilas .step");
        steps.Count.ShouldBe(2);
        steps[0].TextContent.ShouldContain("failed");
        steps[0].TextContent.ShouldContain("2.5 s");
        steps[0].TextContent.ShouldContain("fsck found errors");
        steps[0].TextContent.ShouldContain("41233");
        steps[1].TextContent.ShouldContain("under way");
        steps[1].TextContent.ShouldContain("begun 10 s ago");
        page.Find(".run.live").TextContent.ShouldContain("lease lapsed");
        page.Find("main").GetAttribute("data-pace").ShouldBe("1000");
    }

    [Fact]
    public void Finished_runs_are_below_and_the_live_one_is_not_among_them()
    {
        var page = Show(With(Library()) with { Runs = [Run(RunState.Running) with { Id = new RunId("live") }, Run(RunState.Done)] });
        page.FindAll(".past").Select(p => p.Id).ShouldBe(["run-dilas-auto-1-e4"]);
        page.Find(".past summary").TextContent.ShouldContain("took 15 s");
    }

    [Fact]
    public void Text_from_devices_stays_text()
    {
        const string Evil = "<script>alert(1)</script>";
        var evil = Library(name: Evil) with { Reason = Evil, Components = [new ComponentHealth { Name = Evil, State = HealthState.Failed, Detail = Evil }] };
        var page = Show(With(evil) with { Events = [new EventRecord { Id = 1, At = Now, Kind = "device.presence", Subject = Evil, Text = Evil }] });
        page.FindAll("script").ShouldBeEmpty();
        page.Find("#system-dilas h3").TextContent.ShouldBe(Evil);
    }

    [Fact]
    public void What_could_not_be_read_is_said_above_everything()
    {
        var page = Show(With(Library()) with { Missing = ["System opac did not answer in time."] });
        page.Find(".headline").TextContent.ShouldContain("System opac did not answer in time.");
    }

    [Fact]
    public void Ids_are_unique_and_every_sign_has_words_beside_it()
    {
        var page = Show(With(Library() with { LiveRun = Run(RunState.Running, Step("PromoteCopy", StepState.Done, "Promote")) }, Library("opac", "OPAC")) with { Runs = [Run(RunState.Done)] });
        var ids = page.FindAll("[id]").Select(e => e.Id).ToList();
        ids.ShouldBeUnique();
        foreach (var icon in page.FindAll("svg.icon"))
        {
            icon.GetAttribute("aria-hidden").ShouldBe("true");
            icon.ParentElement!.TextContent.Trim().ShouldNotBeEmpty();
        }
    }

    [Fact]
    public void Nothing_of_the_page_comes_from_elsewhere()
    {
        var page = Render<ConsolePage>(p => p.Add(b => b.Snapshot, With(Library()))).Markup;
        page.ShouldNotContain("http://");
        page.ShouldNotContain("https://");
        foreach (var asset in ConsoleAssets.All.Values)
        {
            var text = System.Text.Encoding.UTF8.GetString(asset.Content.Span).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            text.ShouldNotContain("http", Case.Sensitive, asset.Name);
        }
    }

    private static string Text(AngleSharp.Dom.IElement card, string id) => card.QuerySelector($"[data-testid={id}]")!.TextContent.Trim();
}

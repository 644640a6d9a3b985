using System.Buffers.Binary;
using System.Text.RegularExpressions;
using CsCheck;
using Dr.Contracts.Wire;
using Dr.Edge.Replication.Packing.Logs;
using Dr.Edge.Tests.Volumes;

namespace Dr.Edge.Tests.Replication.Packing.Logs;

/// <summary>A database's log, arranged and restored: always as it was, and what is not a log is left alone. <c>DR_WRITE_GOLDEN=1</c> writes the golden form where none is; an old one is never written over.</summary>
public sealed partial class ArrangedLogTests
{
    private const ulong Address = 5UL << 24;
    private const int Unit = 512;
    private const string GoldenForm = "arranged-v1.bin";

    // Two stretches of log with records of some shapes and some that span pages, among other content, cut anywhere, with bytes that are wrong here and there.
    private static readonly Gen<byte[]> Units = Gen.Select(Gen.Int, Gen.Int[0, 200], Gen.Int[0, 4]).Select((seed, records, faults) =>
    {
        var random = new Random(seed);
        var content = Noise(random, random.Next(4) * Unit);
        for (var stretch = 0; stretch < 2; stretch++)
        {
            var pages = Log(random, random.Next(records + 1));
            var cut = random.Next(3) == 0 ? random.Next(pages.Length / Unit) * Unit : 0;
            content = [.. content, .. random.Next(3) == 0 ? pages[cut..] : pages[..^cut], .. Noise(random, random.Next(3) * Unit)];
        }

        for (var fault = 0; fault < faults && content.Length > 0; fault++)
        {
            content[random.Next(content.Length)] ^= (byte)(1 << random.Next(8));
        }

        return content;
    });

    [Fact]
    public void What_was_arranged_comes_back_as_it_was()
    {
        var (arranger, restorer, arranged) = (new LogArranger(), new LogRestorer(), 0);
        Units.Sample(units =>
        {
            if (arranger.TryArrange(units, out var form))
            {
                arranged++;
                form.EndsWith(arranger.Plain).ShouldBeTrue();
                Restore(restorer, form, units.Length).AsSpan().SequenceEqual(units).ShouldBeTrue();
            }
        }, iter: 4_000, threads: 1);

        arranged.ShouldBeGreaterThan(1_000, "the cases hold logs");
    }

    [Fact]
    public void A_damaged_form_is_refused_or_stands_for_something_else_and_nothing_else() =>
        Gen.Select(Units, Gen.Int[0, int.MaxValue], Gen.Byte, Gen.Int[0, 3]).Sample((units, at, value, cut) =>
        {
            if (!new LogArranger().TryArrange(units, out var form))
            {
                return;
            }

            // Half of the damage where it hurts most: in the runs and shapes.
            var damaged = form[..^cut].ToArray();
            damaged[at % (at % 2 == 0 ? Math.Min(64, damaged.Length) : damaged.Length)] = value;
            try
            {
                Restore(new LogRestorer(), damaged, units.Length);
            }
            catch (WireFormatException)
            {
                // The one allowed way to refuse.
            }
        }, iter: 4_000);

    [Fact]
    public void The_fields_lie_as_the_document_says()
    {
        // A transaction's record of three bytes twice, one of none with two bytes, one of 300 bytes, and the rest of the page.
        var large = Enumerable.Range(0, 276).Select(i => (byte)i).ToArray();
        var units = new LogWriter(Address + 8192).Add(7, 10, 0x20, [1, 2, 3]).Add(6, 10, 0x20, [4, 5, 6]).Add(0, 1, 0x30, [8, 9]).Add(8, 2, 0x40, large).ToPages();
        new LogArranger().TryArrange(units, out var form).ShouldBeTrue();

        var (head, rest) = (units[..24], units[(24 + 32 + 32 + 32 + 304)..]);
        form.ToArray().ShouldBe((byte[])
        [
            /* runs */ 1, 0, /* shapes */ 2,
            /* offset */ 0, 0, 0, 0, /* pages */ 1, 0, /* records */ 4, 0, 0, 0, /* previous */ .. BitConverter.GetBytes(Address + 8192 - 48),
            /* info, manager, length, has transaction */ 0x20, 10, 27, 1, 0x30, 1, 26, 0,
            /* shape of each record */ 1, 1, 2, 0,
            /* transactions +7 and −1, column by column */ 14, 1, 0, 0, 0, 0, 0, 0, /* data */ 1, 4, 2, 5, 3, 6,
            /* data of the other shape */ 8, 9,
            /* plain: the first page's head, the large record, the rest */ .. head, 0x2C, 1, 0, 0, 8, 0, 0, 0, 0x40, 2, .. large, .. rest,
        ]);
    }

    [Fact]
    public void The_documents_sizes_are_those_of_the_codec()
    {
        var document = File.ReadAllText(Path.Combine(FormatDocumentTests.RepositoryRoot(), "Dr.Edge", "Replication", "Packing", "Logs", "arranged-log.md"));
        int Sum(string heading) => Size().Matches(document[document.IndexOf(heading, StringComparison.Ordinal)..].Split("\n## ")[0]).Sum(row => int.Parse(row.Groups["bytes"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));

        Sum("## Head").ShouldBe(ArrangedLog.HeadBytes);
        Sum("## Run").ShouldBe(ArrangedLog.RunBytes);
        Sum("## Shape").ShouldBe(ArrangedLog.ShapeBytes);
        Sum("## Large record").ShouldBe(ArrangedLog.LargeHeadBytes);
    }

    [Fact]
    public void The_log_of_a_real_database_is_recognised_and_the_form_that_an_earlier_build_gave_it_is_read()
    {
        var log = GoldenLog.Read(GoldenLog.Pages);
        if (Environment.GetEnvironmentVariable("DR_WRITE_GOLDEN") == "1" && !GoldenLog.Has(GoldenForm))
        {
            new LogArranger().TryArrange(log, out var written).ShouldBeTrue();
            GoldenLog.Write(GoldenForm, written);
        }

        Restore(new LogRestorer(), GoldenLog.Read(GoldenForm), log.Length).ShouldBe(log);

        // Eight pages of pgbench's log: what is left outside columns is the page images and what began before them or goes on behind.
        var arranger = new LogArranger();
        arranger.TryArrange(log, out _).ShouldBeTrue();
        arranger.Plain.Length.ShouldBeLessThan(log.Length / 2);
    }

    [Fact]
    public void A_record_that_is_not_as_it_should_be_ends_its_run_and_what_follows_is_left_alone()
    {
        var writer = new LogWriter(Address + 8192);
        for (var i = 0; i < 100; i++)
        {
            writer.Add(7, 10, 0x20, BitConverter.GetBytes(i));
        }

        var units = writer.ToPages();
        units[24 + (40 * 32) + 25] ^= 1;
        new LogArranger().TryArrange(units, out var form).ShouldBeTrue();

        BinaryPrimitives.ReadUInt32LittleEndian(form[(ArrangedLog.HeadBytes + 6)..]).ShouldBe(40u, "records before the damaged one");
    }

    private static byte[] Restore(LogRestorer restorer, ReadOnlySpan<byte> form, int length)
    {
        var units = new byte[length];
        units.AsSpan().Fill(0xEE);
        restorer.Restore(form, units);
        return units;
    }

    private static byte[] Log(Random random, int records)
    {
        var writer = new LogWriter(Address + ((ulong)random.Next(3) * 8192), random.Next(2) == 0 ? Noise(random, random.Next(9000)) : null);
        var transaction = (uint)random.Next();
        for (var i = 0; i < records; i++)
        {
            transaction += (uint)random.Next(-2, 4);
            var kind = random.Next(random.Next(10) == 0 ? 300 : 3);
            writer.Add(kind % 5 == 4 ? 0 : transaction, (byte)kind, (byte)(kind << 4), Noise(random, random.Next(60) == 0 ? random.Next(20_000) : 3 + kind));
        }

        return writer.ToPages();
    }

    private static byte[] Noise(Random random, int length)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }

    [GeneratedRegex(@"^\| (?<bytes>\d+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Size();
}

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>
/// How a kiosk works while the library system does not answer. Loans, returns and renewals are taken and become <em>no block</em> transactions: the protocol's own form for what has happened already and is not to be refused
/// for a rule. What needs the library system's knowledge is answered as far as that goes without it. Pure.
/// </summary>
internal static class Sip2OffLine
{
    private const string Language = "000";
    private const string NothingBlocked = "              ";
    private const string Notice = "Off line: it is passed on as soon as the library answers.";

    /// <summary>Loan, return, renewal: what changes something.</summary>
    public static bool IsTransaction(Sip2Message message) => message.Command is Sip2Message.Checkout or Sip2Message.Checkin or Sip2Message.Renew;

    /// <summary>The same transaction in its no block form: when it happened, and until when the reader was told to have the item.</summary>
    public static Sip2Message NoBlock(Sip2Message message, DateTime at, TimeSpan loan, string idField, string id)
    {
        var date = DateOr(message.Command == Sip2Message.Checkin ? message.Fixed.Substring(1, Sip2Message.DateLength) : message.Fixed.Substring(2, Sip2Message.DateLength), at);
        var due = Sip2Message.DateOf((at + loan).Date.AddDays(1).AddSeconds(-1));
        var changed = message.Command switch
        {
            Sip2Message.Checkout => message with { Fixed = $"{message.Fixed[0]}Y{date}{due}" },
            Sip2Message.Renew => message with { Fixed = $"{message.Fixed[0]}Y{date}{due}" },
            Sip2Message.Checkin => message with { Fixed = $"Y{date}{DateOr(message.Fixed.Substring(1 + Sip2Message.DateLength, Sip2Message.DateLength), at)}" },
            _ => throw new InvariantException($"{message.Command} is no transaction"),
        };
        return (idField.Length > 0 ? changed.With(idField, id) : changed) with { Sequence = null };
    }

    /// <summary>What the kiosk is told. For a transaction only after that is on disk.</summary>
    public static Sip2Message Answer(Sip2Message message, DateTime at, TimeSpan loan, string institution, TimeSpan timeout)
    {
        var now = Sip2Message.DateOf(at);
        var due = Sip2Message.DateOf((at + loan).Date.AddDays(1).AddSeconds(-1));
        var patron = message["AA"] ?? "";
        var item = message["AB"] ?? "";
        var home = message["AO"] is { Length: > 0 } given ? given : institution;
        return message.Command switch
        {
            Sip2Message.Login => message.Answer(Sip2Message.LoginAnswer, "1"),
            Sip2Message.Status => message.Answer(
                Sip2Message.StatusAnswer, $"NYYYNY{Math.Clamp((int)(timeout.TotalSeconds * 10), 1, 999):000}003{now}2.00", ("AO", home), ("BX", "YYYNYYNYYNNNYNYN"), ("AF", Notice)),
            Sip2Message.Checkout => message.Answer(Sip2Message.CheckoutAnswer, $"1NUY{now}", ("AO", home), ("AA", patron), ("AB", item), ("AJ", ""), ("AH", due), ("AF", Notice)),
            Sip2Message.Checkin => message.Answer(Sip2Message.CheckinAnswer, $"1YUN{now}", ("AO", home), ("AB", item), ("AQ", ""), ("AF", Notice)),
            Sip2Message.Renew => message.Answer(Sip2Message.RenewAnswer, $"1YUN{now}", ("AO", home), ("AA", patron), ("AB", item), ("AJ", ""), ("AH", due), ("AF", Notice)),

            // Nobody is turned away for not being known here.
            "23" => message.Answer("24", $"{NothingBlocked}{Language}{now}", ("AO", home), ("AA", patron), ("AE", ""), ("BL", "Y"), ("AF", Notice)),
            "63" => message.Answer("64", $"{NothingBlocked}{Language}{now}{string.Concat(Enumerable.Repeat("    ", 6))}", ("AO", home), ("AA", patron), ("AE", ""), ("BL", "Y"), ("AF", Notice)),
            "25" => message.Answer("26", $"{NothingBlocked}{Language}{now}", ("AO", home), ("AA", patron), ("AE", ""), ("AF", Notice)),
            "01" => message.Answer("24", $"YYYYYYYYYYYYYY{Language}{now}", ("AO", home), ("AA", patron), ("AE", "")),
            "35" => message.Answer("36", $"Y{now}", ("AO", home), ("AA", patron)),

            // What would promise something that only the library system can.
            "17" => message.Answer("18", $"010001{now}", ("AB", item), ("AJ", ""), ("AF", Notice)),
            "19" => message.Answer("20", $"0{now}", ("AB", item), ("AF", Notice)),
            "15" => message.Answer("16", $"0N{now}", ("AO", home), ("AA", patron), ("AF", "Off line: nothing can be reserved now.")),
            "37" => message.Answer("38", $"N{now}", ("AO", home), ("AA", patron), ("AF", "Off line: nothing can be paid now.")),
            "65" => message.Answer("66", $"000000000{now}", ("AO", home), ("AF", "Off line: renew the items one by one.")),
            _ => message.Answer(Sip2Message.ResendPlease, ""),
        };
    }

    /// <summary>Whether an answer says that the transaction was done, and what else it says.</summary>
    public static (bool Done, string Words) Verdict(Sip2Message answer) => (answer.Fixed.StartsWith('1'), answer["AF"] ?? "");

    /// <summary>True when it is the answer to that command.</summary>
    public static bool IsAnswerTo(Sip2Message asked, Sip2Message answer) => answer.Command == asked.Command switch
    {
        Sip2Message.Checkout => Sip2Message.CheckoutAnswer,
        Sip2Message.Checkin => Sip2Message.CheckinAnswer,
        Sip2Message.Renew => Sip2Message.RenewAnswer,
        Sip2Message.Login => Sip2Message.LoginAnswer,
        Sip2Message.Status => Sip2Message.StatusAnswer,
        "01" => "24",
        var other => (int.Parse(other, CultureInfo.InvariantCulture) + 1).ToString("00", CultureInfo.InvariantCulture),
    };

    private static string DateOr(string given, DateTime at) => given.Trim().Length > 0 ? given : Sip2Message.DateOf(at);
}

using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Silo.Api;

namespace Dr.Silo.Cli;

/// <summary><c>login</c>, <c>logout</c>, <c>users</c>, <c>tokens</c>.</summary>
internal static class AccessCommands
{
    public static IEnumerable<Command> Create() => [Login(), Logout(), Users(), Tokens()];

    private static Command Login()
    {
        var name = new Argument<string>("NAME") { Description = "User." };
        var password = PasswordFile();
        var keep = ClientCommands.Text("--save", "Where the token goes (default: as --token-file).", "FILE");
        return ClientCommands.Raw("login", "Sign in; the token is kept in a file that only you can read.", [name], [password, keep], async (client, parsed, token) =>
        {
            if (client.IsPlainAcrossTheNetwork)
            {
                throw new UsageException("A password is not sent across the network without TLS.", "Use --server https://….");
            }

            var body = new { name = parsed.GetValue(name), password = await ReadPasswordAsync(parsed.GetValue(password), again: false, token), session = false };
            var answer = await client.ChangeAsync<SignedIn>(HttpMethod.Post, "sign-in", body, token);
            await TokenFile.WriteAsync(parsed.GetValue(keep), answer.Token!, token);
            Console.Out.WriteLine($"Signed in as {answer.Name} ({answer.Role.ToString().ToLowerInvariant()}) until {answer.ExpiresAt:u}.");
            return ProgramShell.Done;
        }, unsigned: true);
    }

    private static Command Logout() => ClientCommands.Change("logout", "Revoke the token of login and delete its file.", [], [], async (client, _, token) =>
    {
        if (client.HasToken)
        {
            await client.ChangeAsync(HttpMethod.Post, "sign-out", new { }, token);
        }

        TokenFile.Delete(null);
        return "Signed out.";
    });

    private static Command Users()
    {
        var name = new Argument<string>("NAME") { Description = "User." };
        var role = new Option<string>("--role") { Description = "What the user may do.", HelpName = "viewer|operator|commander|admin", Required = true };
        var newRole = ClientCommands.Text("--role", "What the user may do.", "viewer|operator|commander|admin");
        var (password, askPassword) = (PasswordFile(), new Option<bool>("--password") { Description = "Ask for a password; without one the user has tokens only." });
        var (disable, enable) = (new Option<bool>("--disable") { Description = "Refuse the user and all of its tokens." }, new Option<bool>("--enable") { Description = "Let the user in again." });
        return ClientCommands.Remote("users", "List the users.", [], [], (client, _, token) => client.GetListAsync<UserView>("users", int.MaxValue, token), ViewTables.Users).With(
            ClientCommands.Change("first", "Make the first administrator, with the one-time token (--token-file) or on the machine of dr-silo.", [name], [password], async (client, parsed, token) =>
            {
                var body = new { name = parsed.GetValue(name), role = "admin", password = await ReadPasswordAsync(parsed.GetValue(password), again: true, token) };
                await client.ChangeAsync<UserView>(HttpMethod.Post, "users", body, token);
                return $"{parsed.GetValue(name)} is an administrator, and from now on everybody signs in: dr-silo login {parsed.GetValue(name)}.";
            }),
            ClientCommands.Change("add", "Make a user.", [name], [role, password, askPassword], async (client, parsed, token) =>
            {
                var wanted = parsed.GetValue(askPassword) || parsed.GetValue(password) is not null;
                var body = new { name = parsed.GetValue(name), role = parsed.GetValue(role), password = wanted ? await ReadPasswordAsync(parsed.GetValue(password), again: true, token) : null };
                var made = await client.ChangeAsync<UserView>(HttpMethod.Post, "users", body, token);
                return $"{made.Name} is {made.Role.ToString().ToLowerInvariant()}.";
            }),
            ClientCommands.Change("change", "Change a user.", [name], [newRole, password, askPassword, disable, enable], async (client, parsed, token) =>
            {
                if (parsed.GetValue(disable) && parsed.GetValue(enable))
                {
                    throw new UsageException("--disable and --enable exclude each other.", "Give one of them.");
                }

                var wanted = parsed.GetValue(askPassword) || parsed.GetValue(password) is not null;
                var body = new
                {
                    role = parsed.GetValue(newRole),
                    password = wanted ? await ReadPasswordAsync(parsed.GetValue(password), again: true, token) : null,
                    disabled = parsed.GetValue(disable) ? true : parsed.GetValue(enable) ? false : (bool?)null,
                };
                var made = await client.ChangeAsync<UserView>(HttpMethod.Patch, $"users/{ClientCommands.Escape(parsed.GetValue(name))}", body, token);
                return $"{made.Name} is {made.Role.ToString().ToLowerInvariant()}{(made.DisabledAt is null ? "" : ", disabled")}.";
            }));
    }

    private static Command Tokens()
    {
        var user = ClientCommands.Text("--user", "Of this user (administrators only; default: oneself).");
        var (role, label, expires) = (ClientCommands.Text("--role", "At most this.", "viewer|operator|commander|admin"), ClientCommands.Text("--label", "What it is for."), ClientCommands.Text("--expires", "After this time (default 90d, at most 366d).", "30d"));
        var id = new Argument<string>("TOKEN") { Description = "Its id." };
        return ClientCommands.Remote("tokens", "List tokens and sessions.", [], [user], (client, parsed, token) => client.GetListAsync<TokenView>(ClientCommands.Query("tokens", parsed, ("user", user)), int.MaxValue, token), ViewTables.Tokens).With(
            ClientCommands.Change("create", "Make a token and print it: it cannot be shown again.", [], [user, role, label, expires], async (client, parsed, token) =>
                (await client.ChangeAsync<NewToken>(HttpMethod.Post, "tokens", new { user = parsed.GetValue(user), role = parsed.GetValue(role), label = parsed.GetValue(label), expires = parsed.GetValue(expires) }, token)).Token),
            ClientCommands.Change("revoke", "Revoke a token or session at once.", [id], [], async (client, parsed, token) =>
            {
                await client.ChangeAsync(HttpMethod.Delete, $"tokens/{ClientCommands.Escape(parsed.GetValue(id))}", null, token);
                return "Revoked.";
            }));
    }

    private static Option<string?> PasswordFile() => new("--password-file") { Description = "File whose first line is the password ('-': standard input); otherwise it is asked for.", HelpName = "FILE" };

    private static async Task<string> ReadPasswordAsync(string? file, bool again, CancellationToken cancellationToken)
    {
        if (file is not null)
        {
            try
            {
                using var reader = file == "-" ? Console.In : new StreamReader(file);
                return await reader.ReadLineAsync(cancellationToken) ?? "";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UsageException($"--password-file: {e.Message}", "Name a file that you can read.");
            }
        }

        if (Console.IsInputRedirected)
        {
            throw new UsageException("There is nobody to ask for a password.", "Give --password-file FILE, or '-' for standard input.");
        }

        var password = Ask("Password: ");
        return !again || Ask("Again: ") == password ? password : throw new UsageException("The two are not the same.", "Try again.");
    }

    private static string Ask(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = new System.Text.StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (key.KeyChar != '\0')
            {
                typed.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return typed.ToString();
    }
}

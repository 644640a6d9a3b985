using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Cli;
using Dr.Contracts.Enrolment;
using Dr.Silo.Access;
using Dr.Silo.Certificates;
using Dr.Silo.Hosting;
using Dr.Silo.Ingress;

namespace Dr.Silo.Api;

/// <summary>The certificate authority: tokens for administrators, enrolment and renewal for devices, lists for everybody.</summary>
internal static class CertificateEndpoints
{
    private const string Tag = "Certificates";

    public static void MapCertificates(this RouteGroupBuilder api)
    {
        // Public by nature: what brokers show to everybody, and what is signed.
        api.MapGet("/ca", Show).WithName("GetAuthority").WithTags(Tag).AllowAnonymous()
            .WithSummary("The CA's certificate and its fingerprint.").Produces<AuthorityView>().Produces(StatusCodes.Status304NotModified).Refuses(400, 401, 403, 404, 503);
        api.MapGet("/ca/crl", ListAsync).WithName("GetRevocationList").WithTags(Tag).AllowAnonymous()
            .WithSummary("The newest revocation list. If-None-Match answers 304 while it is the same.").Produces<RevocationListView>().Produces(StatusCodes.Status304NotModified).Refuses(400, 401, 403, 404, 503);
        api.MapPost("/ca/enrolments", EnrolAsync).WithName("Enrol").WithTags(Tag).AllowAnonymous()
            .WithSummary("A one-time token and a certificate request against a certificate.").Produces<Enrolled>().Refuses(400, 401, 403, 404, 429, 503);
        api.MapPost("/ca/renewals", RenewAsync).WithName("Renew").WithTags(Tag).AllowAnonymous()
            .WithSummary("A good certificate, the proof that it is the sender's and a request against the next certificate.").Produces<Enrolled>().Refuses(400, 401, 403, 404, 429, 503);

        api.MapGet("/ca/certificates", async (HttpContext http, string? name, string? after, int? limit, CertificateStore store, CancellationToken cancellationToken) =>
            {
                var size = Paging.Limit(limit);
                return TypedResults.Ok(Paging.Page(http, [.. (await store.ListAsync(name, after ?? "", size + 1, cancellationToken)).Select(CertificateView.Of)], size, c => $"{c.Name}|{c.Serial}"));
            })
            .Shows<IReadOnlyList<CertificateView>>("ListCertificates", Tag, "Every certificate that was issued. ?name= ?after= ?limit=1..500.");
        api.MapGet("/ca/tokens", async (HttpContext http, string? after, int? limit, CertificateStore store, TimeProvider time, CancellationToken cancellationToken) =>
            {
                var size = Paging.Limit(limit);
                return TypedResults.Ok(Paging.Page(http, [.. (await store.TokensAsync(after ?? "", size + 1, cancellationToken)).Select(t => EnrolmentView.Of(t, time.GetUtcNow()))], size, t => t.Id));
            })
            .Shows<IReadOnlyList<EnrolmentView>>("ListEnrolmentTokens", Tag, "Every enrolment token and what became of it. ?after= ?limit=1..500.", Role.Admin);
        api.MapPost("/ca/tokens", AddTokenAsync).Changes<NewEnrolment>("AddEnrolmentToken", Tag, "Makes a one-time token for one device. It is in this answer only.", Role.Admin, StatusCodes.Status201Created, 404, 409);
        api.MapDelete("/ca/tokens/{id}", async (string id, HttpContext http, CertificateStore store) =>
            await store.RevokeTokenAsync(id, Caller.Of(http.User)!.Name, http.RequestAborted) ? (IResult)TypedResults.NoContent() : ApiProblem.NotFound("open enrolment token", id))
            .Changes("RevokeEnrolmentToken", Tag, "Withdraws a token that was not used.", Role.Admin, StatusCodes.Status204NoContent, 404);
        api.MapPost("/ca/revocations", RevokeAsync).Changes<RevokedView>("RevokeCertificate", Tag, "Revokes a device's certificates at once and cuts its connections.", Role.Admin, StatusCodes.Status200OK, 404);
    }

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult NoAuthority() => ApiProblem.Refused(
        StatusCodes.Status404NotFound, "This silo has no certificate authority.", "It was started without one; another silo may have it.", "dr-silo ca create makes one; dr-silo run --ca DIR uses it.");

    private static IResult Show(CertificateService service) => service.Authority is { } authority
        ? TypedResults.Ok(new AuthorityView(authority.Certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), authority.Pem, authority.Fingerprint, authority.NotAfter))
        : NoAuthority();

    private static async Task<IResult> ListAsync(CertificateStore store, CancellationToken cancellationToken) =>
        await store.NewestListAsync(cancellationToken) is { } list ? TypedResults.Ok(list) : NoAuthority();

    private static async Task<IResult> AddTokenAsync(NewEnrolmentBody body, HttpContext http, CertificateService service, SiloPlan plan)
    {
        AuditFilter.About(http, body.Name ?? "");
        if (service.Authority is not { } authority)
        {
            return NoAuthority();
        }

        var hosts = body.Hosts ?? [];
        var site = body.Site ?? (Names.IsValid(body.Name) && plan.Devices.TryGetValue(new DeviceId(body.Name), out var known) ? known.Site.Value : null);
        var life = body.Expires is null ? CertificateLimits.TokenLife : Quantities.ParseDuration(body.Expires, "expires");
        var refusal = CertificateRoles.RefusalOf(body.Name, body.Role, hosts, byToken: true)
            ?? (body.Site is not null && !Names.IsValid(body.Site) ? $"site '{body.Site}' is not a valid name." : null)
            ?? (life <= TimeSpan.Zero || life > CertificateLimits.TokenLifeMax ? $"expires is more than nothing and at most {CertificateLimits.TokenLifeMax.TotalDays:0}d." : null);
        if (refusal is not null)
        {
            return ApiProblem.BadRequest("No token is made.", refusal, "Mend it.");
        }

        return await service.MakeTokenAsync(authority, body.Name!, body.Role!, site, hosts, life, Caller.Of(http.User)!.Name, http.RequestAborted) is var (record, token)
            ? TypedResults.Created($"/api/v1/ca/tokens/{record.Id}", new NewEnrolment(record.Id, record.Name, record.Role, record.ExpiresAt, token))
            : ApiProblem.Refused(StatusCodes.Status409Conflict, "Too many tokens are open.", $"{CertificateLimits.OpenTokensMax} wait to be used.", "Withdraw those that nobody needs: dr-silo ca tokens.");
    }

    private static async Task<IResult> EnrolAsync(EnrolBody body, HttpContext http, CertificateService service, CertificateOptions options, IngressOptions ingress, EnrolmentLimiter limiter) =>
        await IssueAsync(http, service, limiter, (authority, token) => service.EnrolAsync(authority, body, token), options, ingress);

    private static async Task<IResult> RenewAsync(RenewBody body, HttpContext http, CertificateService service, CertificateOptions options, IngressOptions ingress, EnrolmentLimiter limiter) =>
        await IssueAsync(http, service, limiter, (authority, token) => service.RenewAsync(authority, body, token), options, ingress);

    private static async Task<IResult> IssueAsync(
        HttpContext http, CertificateService service, EnrolmentLimiter limiter, Func<CertificateAuthority, CancellationToken, Task<IssueOutcome>> issue, CertificateOptions options, IngressOptions ingress)
    {
        AuditFilter.By(http, "device");
        if (service.Authority is not { } authority)
        {
            return NoAuthority();
        }

        var address = http.Connection.RemoteIpAddress?.ToString() ?? "unknown";
        if (limiter.WaitFor(address) is { } wait)
        {
            http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return ApiProblem.Refused(StatusCodes.Status429TooManyRequests, "Too many refused requests from this address.", "Tokens are not to be guessed.", $"Wait {Math.Ceiling(wait.TotalSeconds):0} s.");
        }

        IssueOutcome outcome;
        try
        {
            outcome = await issue(authority, http.RequestAborted);
        }
        catch (DrException exception)
        {
            return ApiProblem.BadRequest("No certificate is issued.", exception.Message, exception.Hint ?? "Mend it.");
        }

        if (outcome.Record is not { } record)
        {
            limiter.Failed(address);
            return ApiProblem.Refused(StatusCodes.Status403Forbidden, "No certificate is issued.", outcome.Refusal!, outcome.Hint!);
        }

        AuditFilter.About(http, record.Name);
        AuditFilter.By(http, record.Name);
        return TypedResults.Ok(new Enrolled
        {
            Name = record.Name,
            Role = record.Role,
            Site = outcome.Site,
            Certificate = record.Pem,
            Authority = authority.Pem,
            NotAfter = record.NotAfter,
            RenewAfter = record.IssuedAt + ((record.NotAfter - record.IssuedAt) * CertificateLimits.RenewAfter),
            Brokers = options.DeviceBrokers.Count > 0 ? options.DeviceBrokers : OwnBroker(ingress),
        });
    }

    /// <summary>Empty when it is not known by which address devices reach it.</summary>
    private static IReadOnlyList<string> OwnBroker(IngressOptions ingress) => ingress switch
    {
        { Brokers: { Count: > 0 } brokers } => [.. brokers.Select(broker => broker.ToString())],
        { Listen: { } listen } when !listen.Address.Equals(System.Net.IPAddress.Any) && !listen.Address.Equals(System.Net.IPAddress.IPv6Any) => [listen.ToString()],
        _ => [],
    };

    private static async Task<IResult> RevokeAsync(RevokeBody body, HttpContext http, CertificateService service)
    {
        AuditFilter.About(http, body.Name ?? body.Serial ?? "");
        if (service.Authority is not { } authority)
        {
            return NoAuthority();
        }

        if (body.Name is null == body.Serial is null)
        {
            return ApiProblem.BadRequest("Which certificate is not said.", "name revokes all of a device, serial a single one.", "Send one of them.");
        }

        if (Actors.RefusalOf(body.Reason) is { } refusal)
        {
            return refusal;
        }

        var revoked = await service.RevokeAsync(authority, body.Name, body.Serial, body.Reason!, Caller.Of(http.User)!.Name, http.RequestAborted);
        return revoked.Count > 0 ? TypedResults.Ok(new RevokedView(revoked)) : ApiProblem.NotFound("good certificate", body.Name ?? body.Serial!);
    }
}

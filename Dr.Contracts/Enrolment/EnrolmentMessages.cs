using System.Text.Json;

namespace Dr.Contracts.Enrolment;

/// <summary>Body of <c>POST /api/v1/ca/enrolments</c>: the token against a certificate. The same token with the same key gets the same answer again, for a device whose answer was lost.</summary>
/// <param name="Token">The token's secret part.</param>
/// <param name="Request">PKCS#10 in PEM; only its key counts, name and purpose are the token's.</param>
public sealed record EnrolBody(string? Token, string? Request);

/// <summary>Body of <c>POST /api/v1/ca/renewals</c>: a certificate that is good, and the proof that its key is the sender's, against a new one of the same name and purpose.</summary>
/// <param name="Certificate">The present one, PEM.</param>
/// <param name="Request">PKCS#10 in PEM with the new key.</param>
/// <param name="At">When it was signed; a proof is taken within <see cref="RenewalProof.GoodFor"/> of the control plane's clock.</param>
/// <param name="Signature">Of <see cref="RenewalProof.Text"/> by the present key, base64.</param>
public sealed record RenewBody(string? Certificate, string? Request, DateTimeOffset At, string? Signature);

/// <summary>A certificate and what goes with it.</summary>
public sealed record Enrolled
{
    /// <summary>The device's id, which is the certificate's common name.</summary>
    public required string Name { get; init; }

    /// <summary><c>kiosk</c>, <c>host</c>, <c>appliance</c> or <c>broker</c>.</summary>
    public required string Role { get; init; }

    public string? Site { get; init; }

    /// <summary>PEM.</summary>
    public required string Certificate { get; init; }

    /// <summary>PEM; the CA of brokers and devices.</summary>
    public required string Authority { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>From then on a new one is asked for.</summary>
    public required DateTimeOffset RenewAfter { get; init; }

    /// <summary><c>host:port</c> of the brokers in the order to try; empty when the control plane does not say.</summary>
    public IReadOnlyList<string> Brokers { get; init; } = [];
}

/// <summary>Answer of <c>GET /api/v1/ca</c>.</summary>
/// <param name="Fingerprint">SHA-256 of the certificate, 64 hexadecimal digits.</param>
public sealed record AuthorityView(string Name, string Certificate, string Fingerprint, DateTimeOffset NotAfter);

/// <summary>Answer of <c>GET /api/v1/ca/crl</c>.</summary>
public sealed record RevocationListView(long Number, DateTimeOffset MadeAt, string List);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EnrolBody))]
[JsonSerializable(typeof(RenewBody))]
[JsonSerializable(typeof(Enrolled))]
[JsonSerializable(typeof(AuthorityView))]
[JsonSerializable(typeof(RevocationListView))]
public sealed partial class EnrolmentJson : JsonSerializerContext;

-- What the certificate authority issued, for whom it may issue next, and what it withdrew. Of tokens only a SHA-256 is here. Times are UTC milliseconds since 1970.
create table dr_certificate (
    serial         text primary key,
    name           text not null,
    role           text not null,
    hosts          text not null,
    pem            text not null,
    key_hash       text not null,
    issued_at      bigint not null,
    issued_by      text not null,
    not_after      bigint not null,
    revoked_at     bigint,
    revoked_reason text
);

create index dr_certificate_by_name on dr_certificate (name, issued_at);

create table dr_enrolment (
    id         text primary key,
    hash       text not null,
    name       text not null,
    role       text not null,
    site       text,
    hosts      text not null,
    created_at bigint not null,
    created_by text not null,
    expires_at bigint not null,
    revoked_at bigint,
    used_at    bigint,
    serial     text
);

create table dr_revocation_list (
    number  bigint primary key,
    pem     text not null,
    made_at bigint not null
);

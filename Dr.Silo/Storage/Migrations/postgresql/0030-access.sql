-- Who may call. Passwords are PBKDF2 texts; of tokens only a SHA-256 is here. Users are disabled, never deleted: the audit names them. Times are UTC milliseconds since 1970.
create table dr_user (
    name        text primary key,
    role        text not null check (role in ('Viewer', 'Operator', 'Commander', 'Admin')),
    password    text,
    created_at  bigint not null,
    created_by  text not null,
    disabled_at bigint,
    version     bigint not null
);

create table dr_token (
    id           text primary key,
    hash         text not null,
    kind         text not null check (kind in ('Session', 'Token', 'Setup')),
    user_name    text not null,
    role         text not null,
    label        text not null,
    created_at   bigint not null,
    expires_at   bigint not null,
    revoked_at   bigint,
    last_used_at bigint
);

create index dr_token_by_user on dr_token (user_name, id);

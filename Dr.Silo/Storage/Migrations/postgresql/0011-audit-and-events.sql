-- The audit is append-only: each entry carries a hash over the one before it and itself. The key makes an entry that is written again after a crash one. Times are UTC milliseconds since 1970.
create table dr_audit (
    sequence bigint primary key,
    at       bigint not null,
    actor    text not null,
    action   text not null,
    subject  text not null,
    epoch    bigint not null,
    text     text not null,
    evidence text not null,
    hash     text not null,
    key      text unique
);

create index dr_audit_by_subject on dr_audit (subject, sequence);

-- What the event stream carries; the oldest may be pruned.
create table dr_event (
    id       bigint primary key,
    at       bigint not null,
    kind     text not null,
    subject  text not null,
    severity integer not null,
    text     text not null,
    data     text not null,
    key      text unique
);

create function dr_audit_refuse() returns trigger language plpgsql as $$ begin raise exception 'The audit is append-only.'; end $$;

create trigger dr_audit_is_append_only before update or delete or truncate on dr_audit execute function dr_audit_refuse();

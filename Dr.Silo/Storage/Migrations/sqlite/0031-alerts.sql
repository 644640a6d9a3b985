-- Alerts that are followed, silences, and the outbox of what is to be told. The version makes two activations of the board's grain impossible to mix. Times are UTC milliseconds since 1970.
create table dr_alert_board (
    id      integer primary key check (id = 1),
    version integer not null
);

create table dr_alert (
    key   text primary key,
    state text not null
);

create table dr_alert_silence (
    id    text primary key,
    state text not null
);

create table dr_alert_notice (
    id         text not null,
    target     text not null,
    body       text not null,
    created_at integer not null,
    attempts   integer not null,
    next_at    integer not null,
    done_at    integer,
    error      text,
    primary key (id, target)
);

create index dr_alert_notice_due on dr_alert_notice (next_at) where done_at is null;

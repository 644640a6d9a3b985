-- The journal of runs: intent before, result after, key (run, step, target).
create table dr_run (
    id          text primary key,
    system      text not null,
    kind        text not null,
    state       text not null,
    from_site   text not null,
    to_site     text not null,
    epoch       integer not null,
    actor       text not null,
    reason      text not null,
    started_at  integer not null,
    finished_at integer,
    outcome     text
);

create index dr_run_by_system on dr_run (system, started_at);

create table dr_run_step (
    run         text not null,
    step        text not null,
    target      text not null,
    ordinal     integer not null,
    intent      text not null,
    state       text not null,
    attempt     integer not null,
    epoch       integer not null,
    started_at  integer not null,
    finished_at integer,
    detail      text,
    evidence    text not null,
    primary key (run, step, target)
);

create table dr_run_fact (
    run   text not null,
    name  text not null,
    value text not null,
    primary key (run, name)
);

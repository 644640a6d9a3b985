-- Evidence bundles: who saw what, when, at the moment of each finding about a suspected owner. Never changed; the oldest may be pruned. Times are UTC milliseconds since 1970.
create table dr_evidence (
    id     text primary key,
    system text not null,
    at     bigint not null,
    scope  text not null,
    body   text not null
);

create index dr_evidence_by_system on dr_evidence (system, at);
create index dr_evidence_by_time on dr_evidence (at);

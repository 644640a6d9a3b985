-- What there is: systems, devices, volumes and sites by id, so that they can be listed and woken after a restart.
create table dr_known (
    kind text not null,
    id   text not null,
    site text not null,
    primary key (kind, id)
);

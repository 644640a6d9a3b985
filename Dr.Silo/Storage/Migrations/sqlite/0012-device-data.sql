-- Rows of devices. The high-water per (device, stream, lane) is raised in the transaction that inserts, which is what makes a repeated batch harmless.
create table dr_high_water (
    device   text not null,
    stream   text not null,
    lane     integer not null,
    sequence integer not null,
    primary key (device, stream, lane)
);

create table dr_row (
    device      text not null,
    stream      text not null,
    lane        integer not null,
    sequence    integer not null,
    kind        text not null,
    key         text,
    at          integer not null,
    body        text not null,
    received_at integer not null,
    primary key (device, stream, lane, sequence)
);

-- A business key counts once per device, whatever stream it came in. In lane 1 the key says what a status is of, and repeats.
create unique index dr_row_by_key on dr_row (device, kind, key) where key is not null and lane <> 1;

create table dr_dead_letter (
    device      text not null,
    stream      text not null,
    lane        integer not null,
    sequence    integer not null,
    reason      text not null,
    kind        text not null,
    key         text,
    at          integer not null,
    body        text not null,
    received_at integer not null,
    primary key (device, stream, lane, sequence)
);

-- Who may write. One row per system; epoch, site and state change only by compare-and-swap on the epoch and state that the writer saw.
create table dr_ownership (
    system     text primary key,
    epoch      bigint not null check (epoch > 0),
    site       text not null,
    state      text not null check (state in ('serving', 'fencing', 'promoting')),
    granter    text not null,
    changed_at bigint not null
);

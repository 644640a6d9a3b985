-- Grain state for Orleans' ADO.NET provider. One row per grain and state name; the version is the ETag.
create table orleans_query (
    query_key  text primary key,
    query_text text not null
);

-- The provider reads "SELECT QueryKey, QueryText FROM OrleansQuery" and nothing else by itself.
create view orleansquery as select query_key as querykey, query_text as querytext from orleans_query;

create table orleans_state (
    service        text    not null,
    grain_type     text    not null,
    id_high        bigint  not null,
    id_low         bigint  not null,
    id_text        text    not null,
    payload        bytea,
    version        integer not null,
    modified_at    timestamptz not null default now(),
    primary key (service, grain_type, id_high, id_low, id_text)
);

-- Always one row with one column: the provider takes "no row" after an update for success, and only NULL for a conflict.
insert into orleans_query values ('WriteToStorageKey', '
with updated as (
    update orleans_state set payload = @PayloadBinary, version = version + 1, modified_at = now()
    where service = @ServiceId and grain_type = @GrainTypeString
        and id_high = @GrainIdN0 and id_low = @GrainIdN1 and id_text = coalesce(@GrainIdExtensionString::text, '''')
        and version = @GrainStateVersion::integer
    returning version),
inserted as (
    insert into orleans_state (service, grain_type, id_high, id_low, id_text, payload, version)
    select @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::text, ''''), @PayloadBinary, 1
    where @GrainStateVersion::integer is null
    on conflict do nothing
    returning version)
select coalesce((select version from updated), (select version from inserted)) as NewGrainStateVersion');

insert into orleans_query values ('ReadFromStorageKey', '
select payload as PayloadBinary, now() as ModifiedOn, version as Version
from orleans_state
where service = @ServiceId and grain_type = @GrainTypeString
    and id_high = @GrainIdN0 and id_low = @GrainIdN1 and id_text = coalesce(@GrainIdExtensionString::text, '''')');

insert into orleans_query values ('ClearStorageKey', '
with updated as (
    update orleans_state set payload = null, version = version + 1, modified_at = now()
    where service = @ServiceId and grain_type = @GrainTypeString
        and id_high = @GrainIdN0 and id_low = @GrainIdN1 and id_text = coalesce(@GrainIdExtensionString::text, '''')
        and version = @GrainStateVersion::integer
    returning version)
select (select version from updated) as NewGrainStateVersion');

-- Grain state for Orleans' ADO.NET provider. One row per grain and state name; the version is the ETag.
create table OrleansQuery (
    QueryKey  text primary key,
    QueryText text not null
);

create table orleans_state (
    service     text    not null,
    grain_type  text    not null,
    id_high     integer not null,
    id_low      integer not null,
    id_text     text    not null,
    payload     blob,
    version     integer not null,
    primary key (service, grain_type, id_high, id_low, id_text)
) without rowid;

-- The write is one statement; the second only tells how it went: changes() belongs to this connection and to the statement before it. Always one row
-- with one column: the provider takes "no row" after an update for success, and only NULL for a conflict.
insert into OrleansQuery values ('WriteToStorageKey', '
insert into orleans_state (service, grain_type, id_high, id_low, id_text, payload, version)
select @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''''), @PayloadBinary, 1
where @GrainStateVersion is null or exists (
    select 1 from orleans_state
    where service = @ServiceId and grain_type = @GrainTypeString
        and id_high = @GrainIdN0 and id_low = @GrainIdN1 and id_text = coalesce(@GrainIdExtensionString, ''''))
on conflict (service, grain_type, id_high, id_low, id_text) do update
    set payload = excluded.payload, version = orleans_state.version + 1
    where orleans_state.version = @GrainStateVersion;
select case changes() when 0 then null else coalesce(@GrainStateVersion, 0) + 1 end as NewGrainStateVersion');

insert into OrleansQuery values ('ReadFromStorageKey', '
select payload as PayloadBinary, version as Version
from orleans_state
where service = @ServiceId and grain_type = @GrainTypeString
    and id_high = @GrainIdN0 and id_low = @GrainIdN1 and id_text = coalesce(@GrainIdExtensionString, '''')');

insert into OrleansQuery values ('ClearStorageKey', '
update orleans_state set payload = null, version = version + 1
where service = @ServiceId and grain_type = @GrainTypeString
    and id_high = @GrainIdN0 and id_low = @GrainIdN1 and id_text = coalesce(@GrainIdExtensionString, '''')
    and version = @GrainStateVersion;
select case changes() when 0 then null else @GrainStateVersion + 1 end as NewGrainStateVersion');

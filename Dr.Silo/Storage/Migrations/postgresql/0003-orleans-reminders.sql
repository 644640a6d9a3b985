-- Reminders only wake grains up again; deadlines are state of the grains.
create table orleans_reminder (
    service    text not null,
    grain_id   text not null,
    name       text not null,
    starts_at  timestamptz not null,
    period_ms  bigint not null,
    grain_hash integer not null,
    version    integer not null,
    primary key (service, grain_id, name)
);

create index orleans_reminder_by_hash on orleans_reminder (service, grain_hash);

insert into orleans_query values ('UpsertReminderRowKey', '
insert into orleans_reminder as r (service, grain_id, name, starts_at, period_ms, grain_hash, version)
values (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
on conflict (service, grain_id, name) do update
    set starts_at = excluded.starts_at, period_ms = excluded.period_ms, grain_hash = excluded.grain_hash, version = r.version + 1
returning version as Version');

insert into orleans_query values ('ReadReminderRowsKey', '
select grain_id as GrainId, name as ReminderName, starts_at as StartTime, period_ms as Period, version as Version
from orleans_reminder where service = @ServiceId and grain_id = @GrainId');

insert into orleans_query values ('ReadReminderRowKey', '
select grain_id as GrainId, name as ReminderName, starts_at as StartTime, period_ms as Period, version as Version
from orleans_reminder where service = @ServiceId and grain_id = @GrainId and name = @ReminderName');

-- Two range queries, because the ring wraps: 1 for begin < end, 2 for the part over the top.
insert into orleans_query values ('ReadRangeRows1Key', '
select grain_id as GrainId, name as ReminderName, starts_at as StartTime, period_ms as Period, version as Version
from orleans_reminder where service = @ServiceId and grain_hash > @BeginHash and grain_hash <= @EndHash');

insert into orleans_query values ('ReadRangeRows2Key', '
select grain_id as GrainId, name as ReminderName, starts_at as StartTime, period_ms as Period, version as Version
from orleans_reminder where service = @ServiceId and (grain_hash > @BeginHash or grain_hash <= @EndHash)');

insert into orleans_query values ('DeleteReminderRowKey', '
with deleted as (
    delete from orleans_reminder
    where service = @ServiceId and grain_id = @GrainId and name = @ReminderName and version = @Version
    returning 1)
select count(*) > 0 from deleted');

insert into orleans_query values ('DeleteReminderRowsKey', 'delete from orleans_reminder where service = @ServiceId');

-- Membership of silos. Each change of a row raises the table's version in the same statement, so that of two silos that saw the same version one fails.
create table orleans_membership_version (
    deployment text primary key,
    version    integer not null default 0,
    changed_at timestamptz not null default now()
);

create table orleans_membership (
    deployment    text not null references orleans_membership_version (deployment),
    address       text not null,
    port          integer not null,
    generation    integer not null,
    silo_name     text not null,
    host_name     text not null,
    status        integer not null,
    proxy_port    integer,
    suspect_times text,
    started_at    timestamptz not null,
    alive_at      timestamptz not null,
    primary key (deployment, address, port, generation)
);

insert into orleans_query values ('InsertMembershipVersionKey', '
with inserted as (
    insert into orleans_membership_version (deployment) values (@DeploymentId) on conflict do nothing returning 1)
select count(*) > 0 from inserted');

insert into orleans_query values ('InsertMembershipKey', '
with raised as (
    update orleans_membership_version set version = version + 1, changed_at = now()
    where deployment = @DeploymentId and version = @Version
        and not exists (select 1 from orleans_membership
            where deployment = @DeploymentId and address = @Address and port = @Port and generation = @Generation)
    returning deployment),
inserted as (
    insert into orleans_membership (deployment, address, port, generation, silo_name, host_name, status, proxy_port, started_at, alive_at)
    select deployment, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime from raised
    returning 1)
select count(*) > 0 from inserted');

insert into orleans_query values ('UpdateMembershipKey', '
with raised as (
    update orleans_membership_version set version = version + 1, changed_at = now()
    where deployment = @DeploymentId and version = @Version
        and exists (select 1 from orleans_membership
            where deployment = @DeploymentId and address = @Address and port = @Port and generation = @Generation)
    returning deployment),
updated as (
    update orleans_membership m set status = @Status, suspect_times = @SuspectTimes, alive_at = greatest(m.alive_at, @IAmAliveTime)
    from raised
    where m.deployment = raised.deployment and m.address = @Address and m.port = @Port and m.generation = @Generation
    returning 1)
select count(*) > 0 from updated');

insert into orleans_query values ('UpdateIAmAlivetimeKey', '
update orleans_membership set alive_at = @IAmAliveTime
where deployment = @DeploymentId and address = @Address and port = @Port and generation = @Generation');

insert into orleans_query values ('GatewaysQueryKey', '
select address as Address, proxy_port as ProxyPort, generation as Generation
from orleans_membership
where deployment = @DeploymentId and status = @Status and proxy_port > 0');

insert into orleans_query values ('MembershipReadRowKey', '
select v.deployment as DeploymentId, m.address as Address, m.port as Port, m.generation as Generation, m.silo_name as SiloName,
    m.host_name as HostName, m.status as Status, m.proxy_port as ProxyPort, m.suspect_times as SuspectTimes,
    m.started_at as StartTime, m.alive_at as IAmAliveTime, v.version as Version
from orleans_membership_version v
left join orleans_membership m
    on m.deployment = v.deployment and m.address = @Address and m.port = @Port and m.generation = @Generation
where v.deployment = @DeploymentId');

insert into orleans_query values ('MembershipReadAllKey', '
select v.deployment as DeploymentId, m.address as Address, m.port as Port, m.generation as Generation, m.silo_name as SiloName,
    m.host_name as HostName, m.status as Status, m.proxy_port as ProxyPort, m.suspect_times as SuspectTimes,
    m.started_at as StartTime, m.alive_at as IAmAliveTime, v.version as Version
from orleans_membership_version v
left join orleans_membership m on m.deployment = v.deployment
where v.deployment = @DeploymentId');

insert into orleans_query values ('DeleteMembershipTableEntriesKey', '
with members as (delete from orleans_membership where deployment = @DeploymentId)
delete from orleans_membership_version where deployment = @DeploymentId');

-- Status 6 = dead.
insert into orleans_query values ('CleanupDefunctSiloEntriesKey', '
delete from orleans_membership
where deployment = @DeploymentId and status = 6 and alive_at < @IAmAliveTime and started_at < @IAmAliveTime and suspect_times is null');

insert into orleans_query values ('CleanupDefunctSiloEntryKey', '
delete from orleans_membership
where deployment = @DeploymentId and status = 6 and address = @Address and port = @Port and generation = @Generation
    and started_at = @StartTime and alive_at = @IAmAliveTime and suspect_times is not distinct from @SuspectTimes::text');

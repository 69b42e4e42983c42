-- +goose Up
-- Emergency mode and drills (domain 4b, T31). Acts on an incident or a card form a chain of their own, of the same format as
-- a case's (docs/adr/0004): `yixian verify` walks both.
create table incident (
  district text not null, id uuid not null,
  name text not null, drill boolean not null default false,
  state text not null check (state in ('DECLARED','CONFIRMED','ENDED')), version int not null,
  areas text[] not null default '{}', ring jsonb, units text[] not null default '{}', matters text[] not null default '{}', -- ring: WGS-84 [lon, lat], null without one
  from_at timestamptz not null, until_at timestamptz,
  declared_by uuid not null, declared_at timestamptz not null, confirm_by timestamptz not null, confirmed_by uuid, confirmed_at timestamptz,
  ended_by uuid, ended_at timestamptz, end_reason text not null default '', note text not null default '',
  head_seq bigint not null, head_hash bytea not null, last_at timestamptz not null,
  told_seq bigint not null default 0, sweep_at timestamptz, sweep_after uuid, next_at timestamptz, -- the engine's own progress
  primary key (district, id),
  check ((state = 'ENDED') = (ended_at is not null)),
  check (confirmed_by is null or confirmed_by <> declared_by),
  check (cardinality(areas) > 0 or ring is not null)
);
create unique index incident_one_name on incident (district, name) where state <> 'ENDED';
create index incident_list on incident (district, declared_at desc, id desc);
create index incident_next on incident (next_at) where next_at is not null;

create table office_event (
  district text not null, thing uuid not null, seq bigint not null,
  at timestamptz not null, actor text not null, role text not null, unit text not null default '', action text not null,
  from_state text not null, to_state text not null, version int not null, fact text not null, prev_hash bytea not null, hash bytea not null,
  primary key (district, thing, seq)
);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['incident','office_event'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
revoke update, delete on office_event from yixian_app, yixian_engine;

-- Which incident a case belongs to; no foreign key, as for everything that the one statement writes (00002).
alter table cases add column incident_id uuid;
create index cases_incident on cases (district, incident_id, id) where incident_id is not null;

-- An incident in force is part of the district's configuration: every process loads it again.
create trigger incident_changed after insert or update of state on incident for each row execute function yx_config_changed();

-- +goose Down
select 1/0;

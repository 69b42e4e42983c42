-- +goose Up
-- Duty roster, components, devices, place codes.
create table roster (district text not null, unit text not null, version int not null default 1, primary key (district, unit), foreign key (district, unit) references org_unit (district, code));

-- One span of duty of one person: every week (weekday 1 = Monday) or on one day. Minutes count from the midnight with which
-- that day begins; a night ends on the next day, beyond 1440. Rows of a day stand in for the weekly ones of that day; one
-- without a person says that nobody is on duty.
create table duty_shift (
  district text not null, id uuid not null default yx_uuid7(), unit text not null, account_id uuid,
  weekday smallint check (weekday between 1 and 7), day date,
  from_min int not null check (from_min between 0 and 1439), to_min int not null check (to_min > from_min and to_min <= from_min + 1440),
  valid_from date not null default '2020-01-01', valid_to date check (valid_to >= valid_from),
  primary key (district, id),
  foreign key (district, unit) references roster (district, unit),
  foreign key (district, account_id) references account (district, id),
  check ((weekday is null) <> (day is null)),
  check (account_id is not null or day is not null)
);
create index duty_shift_unit on duty_shift (district, unit, day);
create index duty_shift_account on duty_shift (district, account_id);

-- Components (管理部件): 17 digits = division 6, major 2, minor 3, sequence 6.
create table component (
  district text not null, id text not null check (id ~ '^[0-9]{17}$'), item text not null generated always as (substr(id, 7, 5)) stored, name text not null,
  owner_unit text not null, maintainer_unit text not null default '',
  lon double precision not null, lat double precision not null, cell bigint not null, grid text not null default '', address text not null default '',
  status text not null default 'INTACT' check (status in ('INTACT','BROKEN','LOST','ABANDONED','REMOVED')),
  version int not null default 1, updated_at timestamptz not null default yx_now(),
  primary key (district, id),
  check (substr(id, 1, 6) = district),
  foreign key (district, owner_unit) references org_unit (district, code)
);
create index component_cell on component (district, cell, item);
create index component_owner on component (district, owner_unit);
create index component_maintainer on component (district, maintainer_unit) where maintainer_unit <> '';

-- Devices. The key is shown once; its hash is kept.
create table device (
  district text not null, id text not null, kind text not null, name text not null default '',
  component text not null default '', building text not null default '', lon double precision not null, lat double precision not null,
  key_hash bytea, key_at timestamptz, disabled_at timestamptz, version int not null default 1,
  primary key (district, id)
);

-- Place codes (场所码): what stands on a sticker. token begins with the district, so that any installation knows whose it is.
create table place_code (
  district text not null, token text not null check (token ~ '^[0-9]{6}-[0-9A-HJKMNP-TV-Z]{10}$' and substr(token, 1, 6) = district),
  kind text not null check (kind in ('GRID','COMPONENT','SHOP')), name text not null, grid text not null default '', component text not null default '', address text not null default '',
  lon double precision not null, lat double precision not null, disabled_at timestamptz, version int not null default 1,
  primary key (district, token)
);
create unique index place_code_target on place_code (district, kind, grid, component, name) where disabled_at is null;

-- What a report was made with and what the case is about.
alter table report add column place_code text not null default '';
create index report_place_code on report (district, place_code) where place_code <> '';
alter table cases add column component text not null default '';

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['roster','duty_shift','component','device','place_code'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
-- Whether a district has a ledger of components at all belongs to its configuration.
create trigger component_added after insert on component referencing new table as changed for each statement execute function yx_config_rows_new();

-- +goose Down
select 1/0;

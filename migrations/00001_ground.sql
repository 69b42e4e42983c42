-- +goose Up
-- The ground: clock, tenants, places, people, sessions. The district code leads every key (docs/adr/0003).

-- +goose StatementBegin
do $$
declare r text;
begin
  foreach r in array array['yixian_app','yixian_engine'] loop
    if not exists (select 1 from pg_roles where rolname = r) then
      execute format('create role %I login nosuperuser nobypassrls', r);
    end if;
  end loop;
end $$;
-- +goose StatementEnd

-- PostgreSQL is the only clock. A sandbox redefines this function (yx_jump); nothing else may.
create function yx_now() returns timestamptz language sql stable parallel safe as 'select statement_timestamp()';

-- UUIDv7 for rows that SQL makes by itself (the engine's events): 48 bits of real milliseconds, the rest random.
-- +goose StatementBegin
create function yx_uuid7() returns uuid language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid
$$;
-- +goose StatementEnd

create table tenant (
  district text primary key check (district ~ '^[0-9]{6}$'),
  name text not null,
  city text not null default '',
  fixture text not null default '',
  approx_boundaries boolean not null default false,
  settings jsonb not null default '{}',
  config_version bigint not null default 1
);

create table area (
  district text not null, code text not null, version int not null default 1,
  level text not null check (level in ('district','street','community','grid')),
  kind text not null default '', name text not null, parent text not null default '', land_use text not null default '',
  approx boolean not null default false, polygon jsonb,
  valid_from timestamptz not null default '2020-01-01+08', valid_to timestamptz,
  primary key (district, code, version)
);

create table org_unit (
  district text not null, code text not null, name text not null, short_name text not null,
  kind text not null check (kind in ('DISTRICT_CENTER','STREET','COMMUNITY','DEPARTMENT','CITY_DEPARTMENT','UTILITY','PROPERTY','NGO')),
  line text not null default '', parent text not null default '', area_code text not null default '', active boolean not null default true,
  primary key (district, code)
);

create table catalog_item (
  district text not null, standard text not null, kind text not null, code text not null, version int not null default 1,
  active boolean not null default true, body jsonb not null,
  primary key (district, standard, kind, code, version)
);
create unique index catalog_item_one_active on catalog_item (district, kind, code) where active;

create table rule (
  district text not null, id text not null, version int not null default 1, status text not null check (status in ('ACTIVE','SHADOW','OFF')), body jsonb not null,
  primary key (district, id, version)
);

create table calendar_day (district text not null, day date not null, is_work boolean not null, primary key (district, day));

create table account (
  district text not null, id uuid not null,
  kind text not null check (kind in ('RESIDENT','STAFF','SYSTEM')),
  username text, display_name text not null default '',
  name_enc bytea, phone_enc bytea, phone_bidx bytea,
  password_hash text, mfa_required boolean not null default false, mfa_secret_enc bytea, mfa_last_step bigint not null default 0,
  failed_logins int not null default 0, locked_until timestamptz,
  created_at timestamptz not null default now(), disabled_at timestamptz, password_changed_at timestamptz,
  primary key (district, id)
);
create unique index account_username on account (district, username) where username is not null;
create unique index account_phone on account (district, kind, phone_bidx) where phone_bidx is not null and kind = 'RESIDENT';

create table role_binding (
  district text not null, account_id uuid not null, role text not null, unit text not null default '', grids text[] not null default '{}',
  primary key (district, account_id, role, unit),
  foreign key (district, account_id) references account (district, id) on delete cascade
);
create index role_binding_unit on role_binding (district, unit, role);

create table session (
  district text not null, hash bytea not null,
  account_id uuid, kind text not null check (kind in ('GUEST','RESIDENT','STAFF')),
  device uuid not null,
  created_at timestamptz not null default now(), seen_at timestamptz not null default now(), expires_at timestamptz not null,
  idle_seconds int not null, step_up_at timestamptz, mfa_at timestamptz, revoked_at timestamptz,
  primary key (district, hash)
);
create index session_account on session (district, account_id) where account_id is not null;

create table otp (
  district text not null, id uuid not null, phone_bidx bytea not null, salt bytea not null, code_hash bytea not null,
  created_at timestamptz not null default now(), expires_at timestamptz not null, tries int not null default 0, used_at timestamptz,
  primary key (district, id)
);
create index otp_phone on otp (district, phone_bidx, created_at desc);

create table media (
  district text not null, id text not null, device uuid, account_id uuid, case_id uuid,
  width int not null, height int not null, bytes bigint not null, sha256 bytea not null,
  taken_at timestamptz, lon double precision, lat double precision, created_at timestamptz not null default now(),
  primary key (district, id)
);
create index media_case on media (district, case_id) where case_id is not null;

create table message (
  district text not null, id uuid not null,
  event_id uuid not null, event text not null, template text not null, recipient text not null, account_id uuid, channel text not null,
  to_enc bytea, title text not null default '', text text not null, case_id uuid, state text not null default 'PENDING' check (state in ('PENDING','SENT','FAILED','CANCELLED')),
  created_at timestamptz not null default yx_now(), due_at timestamptz not null default yx_now(), sent_at timestamptz, read_at timestamptz,
  attempts int not null default 0, error text not null default '',
  primary key (district, id),
  unique (district, event_id, recipient, channel)
);
create index message_inbox on message (district, account_id, created_at desc, id desc) where channel = 'APP';
create index message_due on message (due_at) where state = 'PENDING';

-- +goose Down
select 1/0; -- the schema goes forward only: restore a backup instead

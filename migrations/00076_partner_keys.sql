-- +goose Up
-- Partners are administered: what one may do, how much in an hour, as which source its reports count, and keys of its own that are
-- made, exchanged and ended one by one. The secret of a key is in no table: session holds its hash.
create table partner (
  district text not null, account_id uuid not null, source text not null default 'PARTNER' check (source in ('PARTNER','HOTLINE_12345')),
  scopes text[] not null default '{submit,update,status}', per_hour int not null default 600 check (per_hour between 1 and 100000), contact text not null default '',
  version int not null default 1, updated_at timestamptz not null default yx_now(),
  primary key (district, account_id), foreign key (district, account_id) references account (district, id)
);
create table partner_key (
  district text not null, id uuid not null, account_id uuid not null, hash bytea not null, label text not null default '', hint text not null default '',
  made_by text not null default '', made_at timestamptz not null default now(), expires_at timestamptz, revoked_at timestamptz,
  primary key (district, id), unique (district, hash), foreign key (district, account_id) references partner (district, account_id)
);
create index partner_key_account on partner_key (district, account_id, made_at desc);

alter table account no force row level security;
alter table session no force row level security;
insert into partner (district, account_id) select district, id from account where kind = 'PARTNER';
insert into partner_key (district, id, account_id, hash, made_at, revoked_at)
  select s.district, yx_uuid7(), s.account_id, s.hash, s.created_at, s.revoked_at from session s join partner p on p.district = s.district and p.account_id = s.account_id where s.kind = 'PARTNER';
alter table account force row level security;
alter table session force row level security;

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['partner','partner_key'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd

-- An external number is unique within its own system: the hotline's orders are one list whoever types them in, two partners may
-- both have a number 1.
drop index report_external;
create unique index report_external on report (district, source, (case when source = 'PARTNER' then account_id end), external_ref) nulls not distinct where external_ref is not null;

-- +goose Down
select 1/0;

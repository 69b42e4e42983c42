-- +goose Up
-- Alerts of devices: every one is kept; those of one device and kind that follow each other are one burst and one case.
create table alert (
  district text not null, id uuid not null default yx_uuid7(), device text not null, building text not null default '', kind text not null, level int not null,
  burst uuid, said_at timestamptz, skewed boolean not null default false, occurred_at timestamptz not null, received_at timestamptz not null, key text, payload jsonb not null,
  primary key (district, id)
);
create unique index alert_key on alert (district, device, key) where key is not null;
create index alert_device on alert (district, device, kind, received_at desc);
create index alert_building on alert (district, building, kind, received_at desc) where building <> '';
create index alert_burst_rows on alert (district, burst) where burst is not null;

create table alert_burst (
  district text not null, id uuid not null, device text not null, building text not null default '', kind text not null, level int not null,
  opened_at timestamptz not null, last_at timestamptz not null, n int not null default 1, building_alarms int not null default 0, case_id uuid, over boolean not null default false,
  primary key (district, id)
);
create unique index alert_burst_open on alert_burst (district, device, kind) where not over;
create index alert_burst_building on alert_burst (district, building, kind, opened_at desc) where building <> '';
create index alert_burst_case on alert_burst (district, case_id) where case_id is not null;

-- What a report of a device told the rules: device, kind, level, devices of the building that alarmed.
alter table report add column alert jsonb;

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['alert','alert_burst'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
revoke update, delete on alert from yixian_app;

-- +goose Down
select 1/0;

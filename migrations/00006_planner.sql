-- +goose Up
-- Events that could not be told while the database was well: they stand here with their reason, so that one bad event
-- holds up nobody; the planner's Redrive puts them back into the outbox.
create table outbox_parked (
  district text not null, case_id uuid not null, seq bigint not null, reason text not null, parked_at timestamptz not null default yx_now(),
  primary key (district, case_id, seq)
);
alter table outbox_parked enable row level security;
alter table outbox_parked force row level security;
create policy app on outbox_parked to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on outbox_parked to yixian_engine using (true) with check (true);
grant select, insert, update, delete on outbox_parked to yixian_app, yixian_engine;

-- +goose Down
select 1/0;

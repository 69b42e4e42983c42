-- +goose Up
-- The auditor's heartbeat: one row per district, written by whichever engine looked last. at is the domain's instant,
-- real_at the machine's: a heartbeat is about processes, and a sandbox's clock may stand. Who finds it older than that
-- knows that nobody looks any more.
create table audit_beat (
  district text primary key,
  at timestamptz not null, real_at timestamptz not null, took_ms int not null,
  findings jsonb not null, -- check → number of rows that break it; {} when all hold
  law jsonb not null       -- received, routed, fallback, rejected, awaiting_review, lost
);
alter table audit_beat enable row level security;
alter table audit_beat force row level security;
create policy app on audit_beat to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on audit_beat to yixian_engine using (true) with check (true);
grant select on audit_beat to yixian_app;
grant select, insert, update, delete on audit_beat to yixian_engine;

-- +goose Down
select 1/0;

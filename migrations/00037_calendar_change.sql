-- +goose Up
-- A change of the working calendar recomputes the open working clocks: one job per change, worked off case by case.
create table calendar_change (
  district text not null, id uuid not null default yx_uuid7(),
  at timestamptz not null default yx_now(), after uuid, pass int not null default 0, recomputed int not null default 0, next_at timestamptz default yx_now(), done_at timestamptz,
  primary key (district, id)
);
create index calendar_change_next on calendar_change (next_at) where next_at is not null;
alter table calendar_change enable row level security;
alter table calendar_change force row level security;
create policy app on calendar_change to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on calendar_change to yixian_engine using (true) with check (true);
grant select, insert, update on calendar_change to yixian_app, yixian_engine;

-- Many days changed at once make one job: a row joins the job that has not begun. It runs as who changed the day.
-- +goose StatementBegin
create function yx_calendar_changed() returns trigger language plpgsql set search_path = public as $$
begin
  insert into calendar_change (district) select d.district from (select coalesce(new.district, old.district) as district) d
  where exists (select 1 from sla_clock k where k.district = d.district)
    and not exists (select 1 from calendar_change x where x.district = d.district and x.next_at is not null and x.pass = 0 and x.after is null);
  return null;
end $$;
-- +goose StatementEnd
create trigger calendar_day_changed after insert or update or delete on calendar_day for each row execute function yx_calendar_changed();
create trigger calendar_day_config after insert or update or delete on calendar_day for each row execute function yx_config_changed();

-- +goose Down
select 1/0;

-- +goose Up
-- Who (issue 3, part 2): the tree of organisations with posts, and what administrators changed.
alter table org_unit drop constraint org_unit_kind_check,
  add constraint org_unit_kind_check check (kind in ('CITY','DISTRICT_CENTER','STREET','COMMUNITY','DEPARTMENT','CITY_DEPARTMENT','UTILITY','PROPERTY','NGO')),
  add column posts text[] not null default '{}', add column version int not null default 1, add column retired_at timestamptz;
-- One unit answers for a street or a community: two would make the routing a matter of chance.
create unique index org_unit_one_area on org_unit (district, kind, area_code) where active and kind in ('STREET','COMMUNITY') and area_code <> '';
alter table role_binding add column post text not null default '';
alter table account add column version int not null default 1;

-- What was changed in the configuration, by whom and when: insert-only. before and after hold no personal data; a change of
-- such a field is told by its name only.
create table audit_event (
  district text not null, id uuid not null,
  at timestamptz not null default yx_now(), actor text not null, role text not null, action text not null, kind text not null, key text not null,
  before jsonb, after jsonb,
  primary key (district, id)
);
create index audit_event_at on audit_event (district, at desc, id desc);
create index audit_event_key on audit_event (district, kind, key, at desc, id desc);
alter table audit_event enable row level security;
alter table audit_event force row level security;
create policy app on audit_event to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on audit_event to yixian_engine using (true) with check (true);
grant select, insert on audit_event to yixian_app, yixian_engine;

-- Every process loads a changed configuration again. A statement counts once for a district, however many rows it touched.
-- +goose StatementBegin
create function yx_config_rows_new() returns trigger language plpgsql security definer set search_path = public as $$
begin
  update tenant set config_version = config_version + 1 where district in (select n.district from changed n);
  return null;
end $$;
-- +goose StatementEnd
create trigger org_unit_added after insert on org_unit referencing new table as changed for each statement execute function yx_config_rows_new();
create trigger org_unit_changed after update on org_unit referencing new table as changed for each statement execute function yx_config_rows_new();
create trigger org_unit_removed after delete on org_unit referencing old table as changed for each statement execute function yx_config_rows_new();
-- Of the people only the grids that somebody works belong to the configuration.
-- +goose StatementBegin
create function yx_workers_changed() returns trigger language plpgsql security definer set search_path = public as $$
begin
  update tenant set config_version = config_version + 1 where district in (select n.district from changed n where n.role = 'GRID_WORKER');
  return null;
end $$;
-- +goose StatementEnd
create trigger role_binding_added after insert on role_binding referencing new table as changed for each statement execute function yx_workers_changed();
create trigger role_binding_changed after update on role_binding referencing new table as changed for each statement execute function yx_workers_changed();
create trigger role_binding_removed after delete on role_binding referencing old table as changed for each statement execute function yx_workers_changed();
create trigger account_shut after update of disabled_at on account for each row when (old.disabled_at is distinct from new.disabled_at and new.kind = 'STAFF') execute function yx_config_changed();

-- +goose Down
select 1/0;

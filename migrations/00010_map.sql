-- +goose Up
-- The map in versions: a version of an area begins and ends, and is never overwritten. Who changed what stands in area_change.

-- The ground as WKB (Polygon or MultiPolygon, WGS-84): a hundred thousand grids are read in a second. The GeoJSON in "polygon" is
-- read no more and goes with the next version.
alter table area add column ground bytea, add column begun_by uuid, add column ended_by uuid;
alter table area alter column ground set storage external;
create function yx_ring_wkb(ring jsonb) returns bytea language sql immutable as $$
  select int4send(count(*)::int) || string_agg(float8send((v->>0)::float8) || float8send((v->>1)::float8), ''::bytea order by n) from jsonb_array_elements(ring) with ordinality e(v, n)
$$;
create function yx_polygon_wkb(rings jsonb) returns bytea language sql immutable as $$
  select '\x0000000003'::bytea || int4send(count(*)::int) || string_agg(yx_ring_wkb(v), ''::bytea order by n) from jsonb_array_elements(rings) with ordinality e(v, n)
$$;
create function yx_ground(g jsonb) returns bytea language sql immutable as $$
  select case g->>'type' when 'Polygon' then yx_polygon_wkb(g->'coordinates')
    when 'MultiPolygon' then (select '\x0000000006'::bytea || int4send(count(*)::int) || string_agg(yx_polygon_wkb(v), ''::bytea order by n) from jsonb_array_elements(g->'coordinates') with ordinality e(v, n)) end
$$;
-- The owner sees no rows of a district while the policies bind it too.
alter table area no force row level security;
update area set ground = yx_ground(polygon) where jsonb_typeof(polygon) = 'object';
alter table area force row level security;
drop function yx_ground(jsonb);
drop function yx_polygon_wkb(jsonb);
drop function yx_ring_wkb(jsonb);

-- At most one version of a code without an end; what a version says is never changed, only when and by what it ends.
create unique index area_open on area (district, code) where valid_to is null;
alter table area add constraint area_span check (valid_to is null or valid_to >= valid_from);
create index area_from on area (valid_from);
create index area_to on area (valid_to) where valid_to is not null;
revoke update, delete on area from yixian_app, yixian_engine;
grant update (valid_to, ended_by) on area to yixian_app, yixian_engine;

-- Every process reads the map again when this number differs: the transaction that changed it last, so that it never repeats.
alter table tenant add column map_revision bigint not null default 0;
-- +goose StatementBegin
create function yx_map_changed() returns trigger language plpgsql security definer set search_path = public as $$
begin
  update tenant set map_revision = pg_current_xact_id()::text::bigint where district in (select district from changed);
  return null;
end $$;
-- +goose StatementEnd
create trigger area_begun after insert on area referencing new table as changed for each statement execute function yx_map_changed();
create trigger area_ended after update on area referencing new table as changed for each statement execute function yx_map_changed();

-- One row for each change of the map: who, when, from when, and the report that was given.
create table area_change (
  district text not null, id uuid not null,
  kind text not null check (kind in ('import','split','merge','retire')),
  at timestamptz not null, effective timestamptz not null, actor text not null, note text not null default '', report jsonb not null,
  primary key (district, id)
);
create index area_change_list on area_change (district, at desc, id desc);
alter table area_change enable row level security;
alter table area_change force row level security;
create policy app on area_change to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on area_change to yixian_engine using (true) with check (true);
grant select, insert on area_change to yixian_app, yixian_engine;

-- +goose Down
select 1/0;

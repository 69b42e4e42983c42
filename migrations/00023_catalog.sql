-- +goose Up
-- The catalogue in versions. A row never changes but for the end of its validity: a change is a new version with its own
-- beginning, which may lie ahead. Versions of one item are counted across areas, so (kind, code, version) names one row.
create extension if not exists btree_gist;
alter table catalog_item
  add column area text not null default '' check (area ~ '^([0-9]{9}|[0-9]{12})?$' and (area = '' or left(area, 6) = district)),
  add column valid_from timestamptz not null default '2020-01-01+08', add column valid_to timestamptz,
  add column made_at timestamptz not null default yx_now(), add column made_by uuid, add column approved_by uuid, add column note text not null default '',
  add constraint catalog_item_span check (valid_to >= valid_from);
drop index catalog_item_one_active;
create unique index catalog_item_version on catalog_item (district, kind, code, version);
-- One item leads in one area at one instant; '' is the whole district. Whoever writes the row, the database refuses a second.
alter table catalog_item add constraint catalog_item_one_lead
  exclude using gist (district with =, kind with =, code with =, area with =, tstzrange(valid_from, valid_to) with &&) where (active);
revoke update, delete on catalog_item from yixian_app, yixian_engine;
grant update (valid_to, active) on catalog_item to yixian_app, yixian_engine;

-- Every process loads a changed catalogue again, once per statement however many rows it has.
-- +goose StatementBegin
create function yx_rows_config_changed() returns trigger language plpgsql security definer set search_path = public as $$
begin
  update tenant set config_version = config_version + 1 where district in (select district from changed);
  return null;
end $$;
-- +goose StatementEnd
create trigger catalog_item_added after insert on catalog_item referencing new table as changed for each statement execute function yx_rows_config_changed();
create trigger catalog_item_ended after update on catalog_item referencing new table as changed for each statement execute function yx_rows_config_changed();

-- What needs a second person: an item beyond the limit of the community access list, or another limit.
create table catalog_request (
  district text not null, id uuid not null, kind text not null check (kind in ('ITEM', 'LIMIT')), body jsonb not null, reason text not null,
  state text not null default 'PENDING' check (state in ('PENDING', 'APPROVED', 'DECLINED')),
  requested_by uuid not null, requested_at timestamptz not null default yx_now(), decided_by uuid, decided_at timestamptz, answer text not null default '',
  primary key (district, id),
  constraint catalog_request_two_people check (decided_by <> requested_by),
  check ((state = 'PENDING') = (decided_by is null))
);
create index catalog_request_newest on catalog_request (district, requested_at desc, id desc);
alter table catalog_request enable row level security;
alter table catalog_request force row level security;
create policy app on catalog_request to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on catalog_request to yixian_engine using (true) with check (true);
grant select, insert on catalog_request to yixian_app, yixian_engine;
grant update (state, decided_by, decided_at, answer) on catalog_request to yixian_app, yixian_engine;

-- The one setting of the district that this part owns. It writes into the district of the connection and no other.
-- +goose StatementBegin
create function yx_set_community_items(most int) returns void language sql security definer set search_path = public as $$
  update tenant set settings = settings || jsonb_build_object('community_items', most), config_version = config_version + 1 where district = current_setting('app.district', true)
$$;
-- +goose StatementEnd
revoke execute on function yx_set_community_items(int) from public;
grant execute on function yx_set_community_items(int) to yixian_app;

-- A case keeps the version it was filed with; 0: filed before versions were counted, or not filed yet.
alter table cases add column item_version int not null default 0;

-- +goose Down
select 1/0;

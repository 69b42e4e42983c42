-- +goose Up
-- Codes of older standards and what they are called now. A report that came with an old code keeps what it said.
create table code_map (
  district text not null, standard_from text not null, code_from text not null, standard_to text not null, code_to text not null,
  primary key (district, standard_from, code_from),
  check (standard_from <> '' and code_from <> '' and standard_to <> '' and code_to ~ '^[0-9]{5}$')
);
alter table code_map enable row level security;
alter table code_map force row level security;
create policy app on code_map to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on code_map to yixian_engine using (true) with check (true);
grant select, insert, update, delete on code_map to yixian_app, yixian_engine;
create trigger code_map_added after insert on code_map referencing new table as changed for each statement execute function yx_rows_config_changed();
create trigger code_map_changed after update on code_map referencing new table as changed for each statement execute function yx_rows_config_changed();
create trigger code_map_removed after delete on code_map referencing old table as changed for each statement execute function yx_rows_config_changed();

alter table report add column standard_ref text not null default '', add column given_code text not null default '';

-- +goose Down
select 1/0;

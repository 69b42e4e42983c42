-- +goose Up
-- A report beyond the counts of its address, network or grid is taken and waits for a dispatcher: why it waits stands on the case, so
-- that those can be listed. The index holds nothing but what still waits.
alter table cases add column held text not null default '' check (held in ('', 'FLOOD_ADDRESS', 'FLOOD_NET', 'FLOOD_GRID'));
create index cases_held on cases (district, created_at desc, id desc) where held <> '' and state = 'SUBMITTED';

-- A terminal in a hall is a place like a shop: what is reported at it counts as KIOSK.
alter table place_code drop constraint place_code_kind_check;
alter table place_code add constraint place_code_kind_check check (kind in ('GRID','COMPONENT','SHOP','KIOSK'));

-- +goose Down
drop index cases_held;
alter table cases drop column held;

-- +goose Up
-- A unit's list is read from its claims in the order in which the cases are due; the same order for whoever sees by place.
alter table case_party add column due_at timestamptz;
update case_party p set due_at = c.due_at from cases c where c.district = p.district and c.id = p.case_id and c.due_at is not null;
drop index case_party_open;
create index case_party_due on case_party (district, unit, coalesce(due_at, 'infinity'), case_id);
create index case_party_open on case_party (district, unit, coalesce(due_at, 'infinity'), case_id) where open;
create index cases_owner on cases (district, owner_unit, coalesce(due_at, 'infinity'), id);
create index cases_community on cases (district, community_code, coalesce(due_at, 'infinity'), id);
create index cases_grid on cases (district, grid_code, coalesce(due_at, 'infinity'), id);

-- +goose Down
select 1/0;

-- +goose Up
-- To whom of its people a unit gave a duty; null: to nobody in particular. No foreign key, as signed_by has none: accounts are never deleted.
alter table assignment add column handler uuid;
create index assignment_handler on assignment (district, handler) where handler is not null and state in ('OPEN','SIGNED');

-- +goose Down
select 1/0;

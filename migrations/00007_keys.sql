-- +goose Up
-- A fingerprint of the key file, so that a lost one is noticed at start and never replaced in silence.
create table key_check (one boolean primary key check (one), value bytea not null);
grant select, insert, update on key_check to yixian_engine;

-- +goose Down
select 1/0;

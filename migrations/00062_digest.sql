-- +goose Up
-- When a district's people are next told what waits for them. "after" is the last account told while a round is on its way: a
-- round of thousands is worked off in pieces, and whoever takes over goes on where the other stopped.
create table digest_due (
  district text primary key, next_at timestamptz not null, after uuid,
  foreign key (district) references tenant (district)
);
create index digest_due_next on digest_due (next_at);
alter table digest_due enable row level security;
alter table digest_due force row level security;
create policy app on digest_due to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on digest_due to yixian_engine using (true) with check (true);
grant select, delete on digest_due to yixian_app;
grant select, insert, update, delete on digest_due to yixian_engine;

-- +goose Down
select 1/0;

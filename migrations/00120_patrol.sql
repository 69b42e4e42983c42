-- +goose Up
-- Where a grid worker was on a round: one row a check-in at a place code, never changed and never taken back. No position is
-- kept, only how far from the place and how exact it was. key is the phone's own, so that sending twice does it once.
create table patrol_checkin (
  district text not null, account_id uuid not null, key text not null check (length(key) between 1 and 128), token text not null, grid text not null,
  happened_at timestamptz not null, received_at timestamptz not null default yx_now(), distance_m double precision not null, accuracy_m double precision not null,
  primary key (district, account_id, key),
  foreign key (district, token) references place_code (district, token)
);
create index patrol_checkin_of on patrol_checkin (district, account_id, happened_at);
create index patrol_checkin_at on patrol_checkin (district, token, happened_at);
alter table patrol_checkin enable row level security;
alter table patrol_checkin force row level security;
create policy app on patrol_checkin to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on patrol_checkin to yixian_engine using (true) with check (true);
grant select, insert on patrol_checkin to yixian_app, yixian_engine;

-- +goose Down
select 1/0;

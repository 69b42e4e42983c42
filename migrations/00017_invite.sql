-- +goose Up
-- A one-time link by which a member of the staff sets a password. The link is shown once to the administrator who asked for
-- it; its hash is kept. A new one ends the former ones.
create table account_ticket (
  district text not null, hash bytea not null, account_id uuid not null,
  made_at timestamptz not null default now(), expires_at timestamptz not null, used_at timestamptz,
  primary key (district, hash),
  foreign key (district, account_id) references account (district, id) on delete cascade
);
create index account_ticket_account on account_ticket (district, account_id) where used_at is null;
alter table account_ticket enable row level security;
alter table account_ticket force row level security;
create policy app on account_ticket to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on account_ticket to yixian_engine using (true) with check (true);
grant select, insert, update, delete on account_ticket to yixian_app, yixian_engine;

-- +goose Down
select 1/0;

-- +goose Up
-- Other systems that are told of changes of state. A webhook with a partner is told of that partner's own cases; one without is
-- told of all. Its host must be on the district's list when it is saved and whenever something is sent.
create table webhook (
  district text not null, id uuid not null, name text not null, host text not null, partner_id uuid, active boolean not null default true,
  settings_enc bytea not null, created_at timestamptz not null default yx_now(), updated_at timestamptz not null default yx_now(),
  primary key (district, id), unique (district, name), foreign key (district, partner_id) references account (district, id)
);
alter table webhook enable row level security;
alter table webhook force row level security;
create policy app on webhook to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on webhook to yixian_engine using (true) with check (true);
grant select, insert, update, delete on webhook to yixian_app, yixian_engine;
create index message_webhook on message (district, recipient, due_at desc, id desc) where channel = 'WEBHOOK';

-- The installation's pair for Web Push (VAPID); the private half is sealed.
create table push_key (
  one boolean primary key check (one), public text not null, private_enc bytea not null
);
grant select, insert, update on push_key to yixian_app, yixian_engine;

-- +goose Down
select 1/0;

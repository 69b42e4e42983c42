-- +goose Up
-- People who live alone and are looked in on: who, how often, by when the next visit is due, and every visit with what was found.
-- next_at is the instant at which a visit that nobody made counts as missed.
create table visit_plan (
  district text not null, id uuid not null, grid text not null, community text not null, street text not null, lon double precision not null, lat double precision not null,
  name_enc bytea not null, phone_enc bytea, address_enc bytea not null, every_days int not null check (every_days between 1 and 90),
  due_at timestamptz not null, next_at timestamptz, active boolean not null default true, last_outcome text not null default '', last_at timestamptz,
  made_by uuid not null, made_at timestamptz not null default yx_now(), version int not null default 1,
  primary key (district, id), check (active or next_at is null)
);
create index visit_plan_due on visit_plan (district, due_at, id) where active;
create index visit_plan_next on visit_plan (next_at) where next_at is not null;

create table visit (
  district text not null, id uuid not null, plan_id uuid not null, due_at timestamptz not null, outcome text not null check (outcome in ('MET','NOT_MET','NEEDS_HELP','MISSED')),
  at timestamptz not null, done_by uuid, note_enc bytea, case_id uuid,
  primary key (district, id), unique (district, plan_id, due_at), foreign key (district, plan_id) references visit_plan (district, id)
);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['visit_plan','visit'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table visit;
drop table visit_plan;

-- +goose Up
-- Cards (domain 4b): candidates made by clocks and events, each cause once; a supervisor confirms or waives.
create table card (
  district text not null, id uuid not null,
  unit text not null, color text not null check (color in ('YELLOW','RED')),
  kind text not null check (kind in ('HANDLE_150','LATE_CHECKINS','UNFOUNDED_RETURNS','NO_CHECKIN','FALSE_RESULT','PRIVACY_BREACH','THREE_YELLOWS')),
  cause text not null, case_id uuid, count int not null default 0, reason text not null default '',
  state text not null check (state in ('CANDIDATE','CONFIRMED','WAIVED')), version int not null,
  created_at timestamptz not null, raised_by uuid, decide_by timestamptz not null,
  decided_by uuid, decided_at timestamptz, decision text not null default '',
  objected_by uuid, objected_at timestamptz, objection text not null default '',
  answered_by uuid, answered_at timestamptz, answer text not null default '', upheld boolean,
  head_seq bigint not null, head_hash bytea not null, last_at timestamptz not null,
  rung int not null default 0, next_at timestamptz,
  primary key (district, id),
  unique (district, cause),
  check ((state = 'CANDIDATE') = (decided_at is null)),
  check (answered_at is null or objected_at is not null)
);
create index card_list on card (district, created_at desc, id desc);
create index card_unit on card (district, unit, created_at desc, id desc);
create index card_next on card (next_at) where next_at is not null;

-- Called units that were not there when they were due: looked at again 24 hours later.
create table card_watch (
  district text not null, target_id uuid not null, case_id uuid not null, next_at timestamptz not null,
  primary key (district, target_id)
);
create index card_watch_next on card_watch (next_at);

-- The same minor class at least five times in a grid in 30 days: one item for the street.
create table systemic_problem (
  district text not null, grid_code text not null, matter text not null, found_at timestamptz not null,
  id uuid not null, street_unit text not null, count int not null, case_id uuid not null,
  primary key (district, grid_code, matter, found_at)
);
create index systemic_problem_list on systemic_problem (district, found_at desc, id desc);
create index cases_grid_matter on cases (district, grid_code, matter, created_at);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['card','card_watch','systemic_problem'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
select 1/0;

-- +goose Up
-- Rollups (ADR 0090): what the response figures are read from. The planner keeps them in the transaction that settles an event.
-- rollup_case remembers what each case has been counted as, so that a change is the difference of two countings and can be
-- written any number of times; next_at is the instant at which time alone changes it (a due passes, a month of days is over).
create type rollup_cell as (d date, u text, received bigint, open bigint, overdue bigint, yellow bigint, red bigint, recent bigint, closed bigint, solved bigint, hops bigint, hop_cases bigint,
  t_den bigint, t_resp bigint, t_ontime bigint, t_seconds bigint, t_remote bigint, a_den bigint, a_ontime bigint, r_den bigint, r_yes bigint, r_good bigint,
  accepted bigint, accepted_ontime bigint, dispatched bigint, accurate bigint, fb_den bigint, fb_ontime bigint);

create table rollup_case (
  district text not null, case_id uuid not null, street text not null default '', matter text not null default '', grid text not null default '', source text not null default '',
  cells jsonb not null default '[]', next_at timestamptz,
  primary key (district, case_id)
);
create index rollup_case_next on rollup_case (next_at) where next_at is not null;

-- dim: A the district, U unit, S street, M matter, O source. day is a day of the district, of the month the first.
create table rollup_day (
  district text not null, dim text not null check (dim in ('A','U','S','M','O')), key text not null, day date not null,
  received bigint not null default 0, open bigint not null default 0, overdue bigint not null default 0, yellow bigint not null default 0, red bigint not null default 0, closed bigint not null default 0, solved bigint not null default 0,
  hops bigint not null default 0, hop_cases bigint not null default 0, t_den bigint not null default 0, t_resp bigint not null default 0, t_ontime bigint not null default 0, t_seconds bigint not null default 0, t_remote bigint not null default 0,
  a_den bigint not null default 0, a_ontime bigint not null default 0, r_den bigint not null default 0, r_yes bigint not null default 0, r_good bigint not null default 0,
  accepted bigint not null default 0, accepted_ontime bigint not null default 0, dispatched bigint not null default 0, accurate bigint not null default 0, fb_den bigint not null default 0, fb_ontime bigint not null default 0,
  primary key (district, dim, day, key)
);
create table rollup_month (like rollup_day including defaults including constraints, primary key (district, dim, day, key));

-- How many cases went through so many hands, from two hops on: the largest number of a span is no sum.
create table rollup_peak (
  district text not null, dim text not null, key text not null, day date not null, hops int not null, n bigint not null,
  primary key (district, dim, day, key, hops)
);

-- What stands open at this moment and what came in within 30 days; dim also G grid and P grid|matter.
create table rollup_now (
  district text not null, dim text not null check (dim in ('A','U','S','M','G','P')), key text not null,
  open bigint not null default 0, overdue bigint not null default 0, yellow bigint not null default 0, red bigint not null default 0, recent bigint not null default 0,
  primary key (district, dim, key)
);
create index rollup_now_hot on rollup_now (district, recent desc, key) where dim = 'P' and recent >= 5;

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['rollup_case','rollup_day','rollup_month','rollup_peak','rollup_now'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select on %I to yixian_app', t);
    execute format('grant select, insert, update, delete on %I to yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd

-- Cases that are there already are counted by the engine as if their time had just come.
alter table cases no force row level security;
alter table rollup_case no force row level security;
insert into rollup_case (district, case_id, next_at) select district, id, '-infinity' from cases;
alter table rollup_case force row level security;
alter table cases force row level security;

-- A check-in after the end of a span is no response within it.
create index call_target_late on call_target (district, checkin_due, checked_in_at) where checked_in_at > checkin_due;

-- +goose Down
select 1/0;

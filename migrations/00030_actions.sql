-- +goose Up
-- Self-handling, callbacks, reveals, ratings of departments by streets, followers, proposed calls.
alter table cases add column self_handled boolean not null default false;
create index cases_self_handled on cases (district, intake_account) where self_handled;
alter table case_request add column proposal jsonb; -- the call that a community proposes

-- A street's opinion of a department that it called, once per case, round and department.
create table unit_rating (
  district text not null, id uuid not null, case_id uuid not null, round int not null, unit text not null, street text not null, rated_by uuid not null,
  grade int not null check (grade between 1 and 5), rated_at timestamptz not null,
  primary key (district, id),
  unique (district, case_id, round, unit),
  check (unit <> street)
);
create index unit_rating_unit on unit_rating (district, unit, rated_at);

-- Residents who follow somebody else's report.
create table case_follower (
  district text not null, case_id uuid not null, account_id uuid not null, report_id uuid not null, followed_at timestamptz not null,
  primary key (district, case_id, account_id)
);
create index case_follower_account on case_follower (district, account_id);

-- One attempt to reach a reporter who has not rated; the third in vain ends it (INVALID).
create table callback (
  district text not null, id uuid not null, case_id uuid not null, report_id uuid not null, round int not null,
  attempt int not null check (attempt between 1 and 3), result text not null check (result in ('REACHED','UNREACHABLE','INVALID')), called_by uuid not null, called_at timestamptz not null,
  primary key (district, id),
  unique (district, report_id, round, attempt)
);
create index callback_case on callback (district, case_id);

-- Who read whose name or phone, why and when. What somebody wrote as reason stands in case_text under the same seq.
create table reveal (
  district text not null, id uuid not null, case_id uuid not null, seq bigint not null, report_id uuid not null, round int not null,
  account_id uuid not null, role text not null, unit text not null, field text not null check (field in ('name','phone')), reason text not null, at timestamptz not null,
  primary key (district, id)
);
create index reveal_report on reveal (district, report_id, at desc);
create index reveal_case on reveal (district, case_id);
create index reveal_account on reveal (district, account_id, at desc);

-- The bound on reveals is a row of the officer's day: of two at once, on whatever cases, the second waits for the first.
create table reveal_quota (
  district text not null, account_id uuid not null, day date not null, n int not null, most int not null,
  primary key (district, account_id, day),
  constraint reveal_quota_bound check (n <= most)
);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['unit_rating','case_follower','callback','reveal','reveal_quota'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
-- What people did stays as it was done.
revoke update, delete on unit_rating, callback, reveal from yixian_app, yixian_engine;

-- +goose Down
select 1/0;

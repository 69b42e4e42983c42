-- +goose Up
-- The assessment (domain 4d): when a period is frozen, the facts it was made of, its sheets and their revisions, exclusions
-- by two people, objections of units. Facts and sheets are never changed: a later exclusion adds a revision.
create table assessment_due (
  district text not null, period text not null check (period ~ '^[0-9]{4}-[0-9]{2}$'), due_at timestamptz not null, done_at timestamptz,
  primary key (district, period)
);
create index assessment_due_open on assessment_due (due_at) where done_at is null;

create table assessment_fact (
  district text not null, period text not null, unit text not null, kind text not null, id uuid not null, case_id uuid, settled boolean not null, body jsonb not null,
  primary key (district, period, unit, kind, id)
);
create index assessment_fact_id on assessment_fact (district, id);
create index assessment_fact_case on assessment_fact (district, case_id);

create table assessment_sheet (
  district text not null, period text not null, unit text not null, revision int not null check (revision > 0),
  payload text not null, hash text not null, frozen_at timestamptz not null, cause text not null default 'FREEZE', exclusion_id uuid, applied uuid[] not null default '{}', -- the exclusions that bear on it
  primary key (district, period, unit, revision),
  check ((cause = 'EXCLUSION') = (exclusion_id is not null)),
  check (hash = encode(sha256(convert_to(payload, 'UTF8')), 'hex'))
);

-- subject: the one assignment, call target or rating; null: everything of the case (of the unit, when one is named).
create table exclusion (
  district text not null, id uuid not null, case_id uuid not null, subject uuid, unit text not null default '',
  reason text not null check (reason in ('EX1','EX2','EX3','EX5','EX6','EX9')), scope text not null check (scope in ('TIMELINESS','RATING','ALL')),
  legal_due timestamptz, text text not null,
  state text not null check (state in ('PROPOSED','APPROVED','DECLINED')),
  proposed_by uuid not null, proposed_at timestamptz not null, decided_by uuid, decided_at timestamptz, answer text not null default '',
  primary key (district, id),
  foreign key (district, case_id) references cases (district, id),
  check (decided_by is null or decided_by <> proposed_by),
  check ((state = 'PROPOSED') = (decided_at is null)),
  check ((reason = 'EX2') = (legal_due is not null))
);
create unique index exclusion_once on exclusion (district, case_id, coalesce(subject, '00000000-0000-0000-0000-000000000000'), unit) where state <> 'DECLINED';
create index exclusion_list on exclusion (district, proposed_at desc, id desc);

create table assessment_objection (
  district text not null, id uuid not null, period text not null, unit text not null, revision int not null, text text not null,
  filed_by uuid not null, filed_at timestamptz not null, answer text not null default '', answered_by uuid, answered_at timestamptz,
  primary key (district, id),
  foreign key (district, period, unit, revision) references assessment_sheet (district, period, unit, revision),
  check ((answered_at is null) = (answered_by is null)),
  check (answered_by is null or answered_by <> filed_by)
);
create unique index assessment_objection_once on assessment_objection (district, period, unit, revision);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['assessment_due','assessment_fact','assessment_sheet','exclusion','assessment_objection'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
grant update on exclusion, assessment_objection to yixian_app;
grant update on assessment_due to yixian_engine;

-- A duty belongs to the instant min(done, due): what a month is collected by.
create index assignment_settle on assignment (district, least(resolved_at, due_at));
create index assignment_rework on assignment (district, case_id) where rework_count > 0;
create index call_target_settle on call_target (district, least(checked_in_at, checkin_due));

-- +goose Down
select 1/0;

-- +goose Up
-- What happens: reports, cases, their parties, clocks and the evidence chain.
-- The tables that every submission writes (report, assignment, sla_clock, case_event) have no foreign key to cases: the one
-- statement that writes them takes district and case from the case row it has just written or guarded, never from its
-- input, no role deletes cases, and a check per row costs a sixth of the whole statement (yixian bench submit).

create table cases (
  district text not null, id uuid not null,
  case_no text, state text not null check (state in ('SUBMITTED','VERIFYING','FILED','DISPATCHED','HANDLING','CALLING','ONSITE','DISPUTED','SUSPENDED','RESOLVED','CLOSED','ARCHIVED','REJECTED','MERGED','VOIDED')),
  version int not null, head_seq bigint not null, head_hash bytea not null, last_at timestamptz not null,
  matter text not null default '', kind text not null default 'matter', grid_code text not null, grid_version int not null default 1, community_code text not null, street_code text not null, land_use text not null default '',
  lon double precision not null, lat double precision not null, datum text not null, accuracy_m double precision, cell bigint not null,
  address text not null default '',
  priority text not null check (priority in ('P1','P2','P3','P4')), mode text not null default 'NORMAL' check (mode in ('NORMAL','EMERGENCY')),
  source text not null, sensitivity text not null default 'NORMAL', drill boolean not null default false,
  path text not null default '' check (path in ('','STREET_FIRST','DIRECT')),
  owner_unit text not null default '', lead_unit text not null default '', first_receiver text not null default '',
  check_unit text not null default '', check_mode text not null default 'ALL', sla_budget text not null default '',
  round int not null default 1, return_count int not null default 0, reopen_count int not null default 0, rework_count int not null default 0, reporter_count int not null default 1,
  master_case_id uuid, outcome text, resume_state text not null default '', resolved_from text not null default '',
  rule_id text not null default '', needs_catalog_review boolean not null default false, queued boolean not null default false,
  appealed boolean not null default false, rejected_by uuid, no_contact boolean not null default false,
  intake_account uuid, filing_condition text not null default '',
  promise_at timestamptz, due_at timestamptz, due_kind text not null default '', yellow_at timestamptz,
  created_at timestamptz not null, updated_at timestamptz not null, filed_at timestamptz, dispatched_at timestamptz, disputed_at timestamptz,
  resolved_at timestamptz, closed_at timestamptz, archived_at timestamptz,
  primary key (district, id),
  check (version > 0 and head_seq >= version),
  check ((state in ('SUBMITTED','VERIFYING','REJECTED','MERGED','VOIDED')) or case_no is not null),
  check ((state in ('DISPATCHED','HANDLING','CALLING','ONSITE','RESOLVED')) <= (lead_unit <> '')),
  check ((state = 'MERGED') = (master_case_id is not null)),
  check ((state in ('CLOSED','ARCHIVED')) <= (closed_at is not null))
);
create unique index cases_case_no on cases (district, case_no) where case_no is not null;
create index cases_due on cases (district, coalesce(due_at, 'infinity'), id);
create index cases_created on cases (district, created_at desc, id desc);
create index cases_updated on cases (district, updated_at desc, id desc);
create index cases_cell on cases (district, cell, created_at desc);
create index cases_street on cases (district, street_code, coalesce(due_at, 'infinity'), id);

create table reporter_vault (
  district text not null, id uuid not null, account_id uuid, name_enc bytea, phone_enc bytea, phone_bidx bytea, created_at timestamptz not null,
  primary key (district, id)
);
create index reporter_vault_phone on reporter_vault (district, phone_bidx) where phone_bidx is not null;

create table report (
  district text not null, id uuid not null, case_id uuid not null, receipt_code text not null,
  reporter_id uuid, account_id uuid, device uuid,
  source text not null, on_behalf boolean not null default false, anonymous boolean not null default false, no_contact boolean not null default false,
  text text not null default '', matter text not null default '', facets jsonb not null default '{}', media text[] not null default '{}',
  lon double precision not null, lat double precision not null, external_ref text,
  occurred_at timestamptz not null, received_at timestamptz not null,
  submission_key text not null, payload_hash bytea not null, answer jsonb not null,
  primary key (district, id),
  unique (district, submission_key),
  unique (district, receipt_code)
);
create unique index report_external on report (district, source, external_ref) where external_ref is not null;
create index report_case on report (district, case_id);
create index report_account on report (district, account_id, received_at desc, id desc) where account_id is not null;

-- Which district holds a receipt code or a link token (its sha-256, hex): the one look-up before a district is known.
create table receipt_directory (key text primary key, district text not null, report_id uuid not null);

create table assignment (
  district text not null, id uuid not null, case_id uuid not null,
  unit text not null, kind text not null check (kind in ('LEAD','ASSIST','COORDINATOR')), round int not null,
  state text not null check (state in ('OPEN','SIGNED','RESOLVED','RETURNED','DONE','CANCELLED')),
  received_at timestamptz not null, signed_at timestamptz, signed_by uuid, contacted_at timestamptz, contacted_by uuid, contact_waived boolean not null default false,
  resolved_at timestamptz, resolved_by uuid, due_at timestamptz, return_until timestamptz, ended_at timestamptz,
  binding boolean not null default false, rework_count int not null default 0, task text not null default '',
  primary key (district, id)
);
create unique index assignment_one_lead on assignment (district, case_id) where kind = 'LEAD' and state in ('OPEN','SIGNED','RESOLVED');
create index assignment_case on assignment (district, case_id);
create index assignment_unit on assignment (district, unit, due_at);

create table call (
  district text not null, id uuid not null, case_id uuid not null, round int not null,
  level text not null check (level in ('L1','L2','L3')), reason text not null, caller_unit text not null, called_by uuid,
  state text not null check (state in ('OPEN','ONSITE','WITHDRAWN','DONE')), called_at timestamptz not null,
  lon double precision not null, lat double precision not null, agreed_time timestamptz, remote_allowed boolean not null default false, in_time boolean not null default true,
  primary key (district, id),
  foreign key (district, case_id) references cases (district, id)
);
create index call_case on call (district, case_id);

create table call_target (
  district text not null, id uuid not null, call_id uuid not null, case_id uuid not null,
  unit text not null, is_lead boolean not null, ack_due timestamptz not null, acked_at timestamptz, acked_by uuid, eta_at timestamptz,
  checkin_due timestamptz not null, checked_in_at timestamptz, checked_in_by uuid, mode text not null default '', distance_m double precision,
  late boolean not null default false, withdrawn boolean not null default false, released boolean not null default false,
  primary key (district, id),
  unique (district, call_id, unit),
  foreign key (district, call_id) references call (district, id)
);
create unique index call_target_one_lead on call_target (district, call_id) where is_lead;
create index call_target_case on call_target (district, case_id);
create index call_target_unit on call_target (district, unit, checkin_due);

create table call_qr (
  district text not null, token_hash bytea not null, call_id uuid not null, case_id uuid not null, issued_by uuid not null, expires_at timestamptz not null, used_at timestamptz,
  primary key (district, token_hash)
);

create table sla_clock (
  district text not null, id uuid not null, case_id uuid not null,
  kind text not null, owner_type text not null check (owner_type in ('CASE','ASSIGNMENT','TARGET','REQUEST')), owner_id uuid not null, unit text not null default '', round int not null,
  budget text not null, budget_s bigint not null, used_s bigint not null default 0, working boolean not null,
  state text not null check (state in ('RUNNING','PAUSED','STOPPED')),
  started_at timestamptz not null, paused_at timestamptz, stopped_at timestamptz, due_at timestamptz,
  level int not null default 0, ladder timestamptz[] not null default '{}', next_at timestamptz,
  primary key (district, id),
  check ((state = 'RUNNING') or next_at is null)
);
create index sla_clock_case on sla_clock (district, case_id);
create index sla_clock_next on sla_clock (next_at) where next_at is not null;

create table case_event (
  district text not null, case_id uuid not null, seq bigint not null, id uuid not null,
  at timestamptz not null, actor text not null, role text not null, unit text not null default '', action text not null,
  from_state text not null, to_state text not null, version int not null,
  fact text not null, prev_hash bytea not null, hash bytea not null,
  clock_id uuid, clock_level int,
  primary key (district, case_id, seq)
);
create index case_event_stream on case_event (district, id);
-- The proof of "exactly once": a clock rings each level once.
create unique index case_event_clock_once on case_event (district, clock_id, clock_level) where clock_id is not null;

-- Free text and personal data of events: erasable; the fact keeps only a salted hash.
create table case_text (
  district text not null, case_id uuid not null, seq bigint not null, field text not null, salt bytea not null, text text not null,
  primary key (district, case_id, seq, field)
);

create table outbox (
  district text not null, case_id uuid not null, seq bigint not null,
  primary key (district, case_id, seq)
);

create table idempotency (
  district text not null, actor text not null, key text not null, payload_hash bytea not null, status int not null, answer jsonb not null, created_at timestamptz not null default now(),
  primary key (district, actor, key)
);

create table rating (
  district text not null, id uuid not null, case_id uuid not null, report_id uuid not null, round int not null,
  contacted boolean, resolved boolean not null, grade int not null check (grade between 1 and 5), channel text not null, rated_at timestamptz not null, valid boolean not null default true, unit text not null default '',
  primary key (district, id),
  unique (district, report_id, round),
  foreign key (district, case_id) references cases (district, id)
);
create index rating_case on rating (district, case_id);
create index rating_unit on rating (district, rated_at);

create table case_return (
  district text not null, id uuid not null, case_id uuid not null, assignment_id uuid not null, unit text not null, suggested_unit text not null,
  legal_basis text not null, reason text not null, verdict text not null default '', at timestamptz not null,
  primary key (district, id)
);
create index case_return_case on case_return (district, case_id);

create table case_request (
  district text not null, id uuid not null, case_id uuid not null, kind text not null, unit text not null default '', requested_by uuid,
  reason text not null default '', budget text not null default '', resume_at timestamptz,
  state text not null check (state in ('PENDING','APPROVED','DECLINED','DONE')), decided_by uuid, decided_at timestamptz, created_at timestamptz not null,
  primary key (district, id)
);
create index case_request_case on case_request (district, case_id);

create table case_result (
  district text not null, id uuid not null, case_id uuid not null, round int not null, unit text not null, resolved_by uuid,
  outcome text not null, accepted_at timestamptz, talked_to text not null default '', measures text not null default '', time_limit text not null default '', media text[] not null default '{}', at timestamptz not null,
  primary key (district, id)
);
create index case_result_case on case_result (district, case_id);

create table case_check (
  district text not null, id uuid not null, case_id uuid not null, round int not null, kind text not null, verdict text not null, checked_by uuid, unit text not null default '', method text not null default 'SITE',
  distance_m double precision, media text[] not null default '{}', at timestamptz not null,
  primary key (district, id)
);
create index case_check_case on case_check (district, case_id);

-- Who handled: resolved, checked in, consulted or did an ASSIST task in a round (domain 4b).
create table case_handler (
  district text not null, case_id uuid not null, round int not null, account_id uuid not null, unit text not null, how text not null,
  primary key (district, case_id, round, account_id, how)
);

-- Which unit may see the case by assignment or call (the scope predicate reads it); open: it still owes something.
create table case_party (
  district text not null, unit text not null, case_id uuid not null, open boolean not null,
  primary key (district, unit, case_id)
);
create index case_party_case on case_party (district, case_id);

create table case_route (
  district text not null, case_id uuid not null, seq bigint not null, at timestamptz not null, decision jsonb not null,
  primary key (district, case_id, seq)
);

create table case_no_block (district text not null, day date not null, next int not null, primary key (district, day));

-- +goose Down
select 1/0;

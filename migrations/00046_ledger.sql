-- +goose Up
-- The open ledger: notices and clarifications as they were published, exports as they were taken away, and who allowed a large one.
create table notice (
  district text not null, id uuid not null, kind text not null check (kind in ('NOTICE','CLARIFICATION')),
  title text not null check (length(title) between 1 and 200), text text not null check (length(text) between 1 and 10000),
  verdict text not null default '' check (verdict in ('','TRUE','FALSE','MISLEADING')), matter text not null default '', areas text[] not null default '{}',
  case_id uuid, unit text not null default '', drill boolean not null default false, published_at timestamptz not null, published_by uuid not null,
  withdrawn_at timestamptz, withdrawn_by uuid,
  primary key (district, id),
  check ((kind = 'CLARIFICATION') = (verdict <> '')),
  check ((withdrawn_at is null) = (withdrawn_by is null))
);
create index notice_list on notice (district, published_at desc, id desc);

create index cases_closed on cases (district, closed_at desc, id desc) where closed_at is not null;

create table export_request (
  district text not null, id uuid not null, what text not null, params jsonb not null, reason text not null,
  state text not null default 'PENDING' check (state in ('PENDING','APPROVED','DECLINED')),
  asked_by uuid not null, asked_at timestamptz not null, decided_by uuid, decided_at timestamptz, expires_at timestamptz,
  primary key (district, id),
  check (decided_by is null or decided_by <> asked_by),
  check ((state = 'PENDING') = (decided_at is null)),
  check ((state = 'APPROVED') = (expires_at is not null))
);
create index export_request_list on export_request (district, asked_at desc, id desc);

create table export_log (
  district text not null, id uuid not null, what text not null, format text not null, params jsonb not null, account_id uuid not null, at timestamptz not null, rows bigint not null, request_id uuid,
  primary key (district, id)
);
create index export_log_at on export_log (district, at desc, id desc);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['notice','export_request','export_log'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
grant update (withdrawn_at, withdrawn_by) on notice to yixian_app;
grant update (state, decided_by, decided_at, expires_at) on export_request to yixian_app;

-- +goose Down
select 1/0;

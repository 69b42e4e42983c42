-- +goose Up
-- Reports that come by themselves (ADR 0220): who is to have which table of which span, the runs that are planned and were made,
-- one delivery for each person and run with its file for as long as it is kept, and everybody who fetched or tried to.
create table report_subscription (
  district text not null, id uuid not null, title text not null check (length(title) between 1 and 60),
  what text not null check (what in ('cases','metrics','assessments','hotline','burden')), format text not null check (format in ('csv','xlsx','json')),
  period text not null check (period in ('day','week','month','quarter')), by text not null default '',
  at_minute int not null check (at_minute between 0 and 1439), keep_days int not null check (keep_days between 1 and 90),
  created_by uuid not null, created_at timestamptz not null, deleted_by uuid, deleted_at timestamptz,
  primary key (district, id),
  check ((deleted_at is null) = (deleted_by is null)),
  check (what not in ('assessments') or period in ('month','quarter')), check (what <> 'burden' or period = 'month')
);
create index report_subscription_list on report_subscription (district, created_at desc, id desc) where deleted_at is null;

create table report_recipient (
  district text not null, subscription_id uuid not null, account_id uuid not null,
  primary key (district, subscription_id, account_id),
  foreign key (district, subscription_id) references report_subscription (district, id),
  foreign key (district, account_id) references account (district, id) on delete cascade
);
create index report_recipient_account on report_recipient (district, account_id);

-- span_to is exclusive; both are days of the district. The row is the lock of its run.
create table report_run (
  district text not null, id uuid not null, subscription_id uuid not null, span_from date not null, span_to date not null, scheduled boolean not null,
  due_at timestamptz not null, asked_by uuid, done_at timestamptz, failure text not null default '',
  primary key (district, id),
  foreign key (district, subscription_id) references report_subscription (district, id),
  check (span_from < span_to), check (scheduled = (asked_by is null))
);
create unique index report_run_once on report_run (district, subscription_id, span_from) where scheduled;
create index report_run_due on report_run (due_at) where done_at is null;
create index report_run_list on report_run (district, subscription_id, due_at desc, id desc);

create table report_delivery (
  district text not null, id uuid not null, run_id uuid not null, account_id uuid not null,
  state text not null check (state in ('READY','WITHHELD')), reason text not null default '', name text not null default '', format text not null,
  bytes int not null default 0, sha256 text not null default '', made_at timestamptz not null, expires_at timestamptz,
  primary key (district, id), unique (district, run_id, account_id),
  foreign key (district, run_id) references report_run (district, id),
  check ((state = 'READY') = (expires_at is not null)), check ((state = 'WITHHELD') = (reason <> ''))
);
create index report_delivery_mine on report_delivery (district, account_id, made_at desc, id desc);

create table report_file (
  district text not null, delivery_id uuid not null, body bytea not null, expires_at timestamptz not null,
  primary key (district, delivery_id),
  foreign key (district, delivery_id) references report_delivery (district, id)
);
create index report_file_expires on report_file (expires_at);

create table report_download (
  district text not null, id uuid not null, delivery_id uuid not null, account_id uuid not null, at timestamptz not null,
  outcome text not null check (outcome in ('SENT','NOT_YOURS','NOT_ALLOWED','EXPIRED')),
  primary key (district, id),
  foreign key (district, delivery_id) references report_delivery (district, id)
);
create index report_download_of on report_download (district, delivery_id, at);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['report_subscription','report_recipient','report_run','report_delivery','report_file','report_download'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
grant insert on report_subscription, report_recipient, report_run, report_download to yixian_app;
grant update (deleted_by, deleted_at) on report_subscription to yixian_app;
grant delete on report_run to yixian_app; -- what is planned of a subscription that was ended
grant insert on report_run, report_delivery, report_file to yixian_engine;
grant update on report_run to yixian_engine;
grant update, delete on report_file to yixian_engine; -- update: to lock what expires

-- +goose Down
select 1/0;

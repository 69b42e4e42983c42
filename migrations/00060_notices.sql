-- +goose Up
-- Telling people as the district's own data: wording, matrix, hours, consent, addresses, groups, providers, and what became of
-- every attempt. What a district has not set itself is the program's default (notify/templates.json, notify/matrix.csv).

-- One row for a district with anything of its own; version rises with every change, so that processes know when to read again.
create table notice_setting (
  district text primary key, version bigint not null default 1,
  quiet_from int check (quiet_from between 0 and 1439), quiet_to int check (quiet_to between 0 and 1439),  -- minutes of the local day
  digest_at int check (digest_at between 0 and 1439), fold_over int check (fold_over between 1 and 1000),
  webhook_hosts text[] not null default '{}'
);

create table notice_template (
  district text not null, key text not null, title_zh text not null, text_zh text not null, title_en text not null, text_en text not null,
  version int not null default 1, updated_at timestamptz not null default yx_now(), updated_by uuid not null,
  primary key (district, key)
);

-- Rows of the matrix that differ from the default: switched off or on, or at another distance from the event.
create table notice_rule (
  district text not null, event text not null, audience text not null, channel text not null,
  enabled boolean not null, after_s int check (after_s between 0 and 86400),
  primary key (district, event, audience, channel)
);

-- What a person said about being told. Recipient is the handle of message.recipient.
create table notice_person (
  district text not null, recipient text not null, locale text not null default '' check (locale in ('', 'zh-CN', 'en')),
  quiet_from int check (quiet_from between 0 and 1439), quiet_to int check (quiet_to between 0 and 1439),
  refused text[] not null default '{}', updated_at timestamptz not null default yx_now(),
  primary key (district, recipient), check ((quiet_from is null) = (quiet_to is null))
);

create table notice_mute (
  district text not null, case_id uuid not null, recipient text not null, muted_at timestamptz not null default yx_now(),
  primary key (district, case_id, recipient),
  foreign key (district, case_id) references cases (district, id) on delete cascade
);

-- Where an account is reached besides its phone: an e-mail address, a WeChat openid, a browser's push subscription.
create table notice_address (
  district text not null, id uuid not null, account_id uuid not null, channel text not null check (channel in ('EMAIL','WECHAT','PUSH')),
  address_enc bytea not null, address_bidx bytea not null, label text not null default '', created_at timestamptz not null default yx_now(),
  primary key (district, id), unique (district, account_id, channel, address_bidx),
  foreign key (district, account_id) references account (district, id) on delete cascade
);

-- A unit's chat group with its robot.
create table notice_group (
  district text not null, id uuid not null, unit text not null, name text not null, kind text not null, settings_enc bytea not null, active boolean not null default true,
  primary key (district, id), foreign key (district, unit) references org_unit (district, code)
);
create index notice_group_unit on notice_group (district, unit) where active;

create table channel_provider (
  district text not null, id uuid not null, name text not null, channel text not null, kind text not null, position int not null default 1,
  active boolean not null default true, settings_enc bytea not null, updated_at timestamptz not null default yx_now(),
  primary key (district, id), unique (district, name)
);

-- Who changed what of all this; values of secrets are never in it.
create table notice_change (
  district text not null, id uuid not null, at timestamptz not null default yx_now(), actor text not null, what text not null, thing text not null, before jsonb, after jsonb,
  primary key (district, id)
);

alter table message
  drop constraint message_state_check, add constraint message_state_check check (state in ('PENDING','SENT','FAILED','CANCELLED','FOLDED')),
  add column values_enc bytea,                              -- sealed values of the placeholders, for providers with templates of their own
  add column urgent boolean not null default false,         -- wakes people: neither quiet hours nor (for staff) consent hold it back
  add column fold boolean not null default false,           -- may be folded with others into one digest
  add column folded_into uuid,
  add column written_at timestamptz not null default clock_timestamp(),  -- real time, for the latency from commit to hand-over
  add column handed_at timestamptz,
  add column provider text not null default '',
  add column report_state text not null default '' check (report_state in ('','ACCEPTED','DELIVERED','UNDELIVERED','READ')),
  add column report_seq bigint not null default 0, add column report_at timestamptz;
create index message_provider_ref on message (district, provider, provider_ref) where provider_ref <> '';
create index message_parked on message (district, due_at desc, id desc) where state = 'FAILED';
create index message_recipient on message (district, recipient, channel, sent_at desc) where channel <> 'APP';

-- Every attempt by every provider.
create table delivery (
  district text not null, id uuid not null, message_id uuid not null, channel text not null, provider text not null, attempt int not null,
  at timestamptz not null default yx_now(), took_ms int not null, outcome text not null check (outcome in ('OK','FAILED','UNCLEAR','REFUSED')), error text not null default '',
  primary key (district, id), foreign key (district, message_id) references message (district, id) on delete cascade
);
create index delivery_message on delivery (district, message_id, at);
create index delivery_at on delivery (district, at desc, id desc);

-- Receipts of providers that were taken already: a repetition changes nothing.
create table provider_report (
  district text not null, provider text not null, key text not null, at timestamptz not null default now(),
  primary key (district, provider, key)
);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['notice_setting','notice_template','notice_rule','notice_person','notice_mute','notice_address','notice_group','channel_provider','notice_change','delivery','provider_report'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
revoke update, delete on notice_change from yixian_app, yixian_engine;

-- +goose Down
select 1/0;

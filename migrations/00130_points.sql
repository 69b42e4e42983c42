-- +goose Up
-- Points of residents (ADR 0260): every movement is one row with the book that gives and the book that takes, so that no movement can be
-- out of balance; an account's balance is kept beside the rows and checked against them by the auditor.
create table points_account (
  district text not null, account_id uuid not null, balance int not null default 0 check (balance >= 0),
  month date not null default '-infinity', earned int not null default 0 check (earned >= 0), -- in that month
  primary key (district, account_id),
  foreign key (district, account_id) references account (district, id) on delete cascade
);

create table reward (
  district text not null, id uuid not null, name text not null check (length(name) between 1 and 40), name_en text not null default '' check (length(name_en) <= 80),
  place text not null default '' check (length(place) <= 80), cost int not null check (cost between 1 and 100000), stock int not null check (stock between 0 and 1000000),
  active boolean not null default true, version int not null default 1, made_at timestamptz not null default yx_now(),
  primary key (district, id)
);
create index reward_offered on reward (district, cost, id) where active;

-- A redemption is open until it is handed over, called off or expired; what was not handed over gives points and stock back.
create table redemption (
  district text not null, id uuid not null, account_id uuid not null, reward_id uuid not null, cost int not null check (cost > 0),
  code text not null check (code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'), key text not null, state text not null default 'OPEN' check (state in ('OPEN','HANDED','CANCELLED','EXPIRED')),
  made_at timestamptz not null, expires_at timestamptz not null, done_at timestamptz, done_by uuid,
  primary key (district, id), unique (district, code), unique (district, account_id, key),
  foreign key (district, reward_id) references reward (district, id),
  foreign key (district, account_id) references account (district, id) on delete cascade,
  check ((state = 'OPEN') = (done_at is null)), check ((state = 'HANDED') = (done_by is not null))
);
create index redemption_mine on redemption (district, account_id, made_at desc, id desc);
create index redemption_due on redemption (expires_at) where state = 'OPEN';

create table points_entry (
  district text not null, id uuid not null, account_id uuid not null, at timestamptz not null, kind text not null check (kind in ('REPORT','FALSE','REDEEM','BACK')),
  giver text not null check (giver in ('FUND','RESIDENT','REWARD')), taker text not null check (taker in ('FUND','RESIDENT','REWARD')),
  amount int not null check (amount > 0), case_id uuid, redemption_id uuid,
  primary key (district, id),
  foreign key (district, account_id) references account (district, id) on delete cascade,
  foreign key (district, redemption_id) references redemption (district, id) on delete cascade,
  check ((giver = 'RESIDENT') <> (taker = 'RESIDENT')),
  check ((kind in ('REPORT','FALSE')) = (case_id is not null)), check ((kind in ('REDEEM','BACK')) = (redemption_id is not null))
);
create unique index points_entry_case on points_entry (district, account_id, case_id, kind) where case_id is not null;
create unique index points_entry_redemption on points_entry (district, redemption_id, kind) where redemption_id is not null;
create index points_entry_at on points_entry (at);
create index points_entry_mine on points_entry (district, account_id, at desc, id desc);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['points_account','reward','redemption','points_entry'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert on %I to yixian_app, yixian_engine', t);
  end loop;
  foreach t in array array['points_account','reward','redemption'] loop
    execute format('grant update on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table points_entry;
drop table redemption;
drop table reward;
drop table points_account;

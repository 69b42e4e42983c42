-- +goose Up
-- Rule sets (domain 4c): rows written by people live in numbered sets, of which at most one per district is in force. What
-- the program writes (precedents of arbitrations, rules of incidents) stays in table rule, outside the sets: a set that is
-- published or rolled back never loses one (docs/adr/0200).
create table rule_set (
  district text not null, version int not null check (version > 0),
  status text not null check (status in ('DRAFT','PUBLISHED','RETIRED','DISCARDED')),
  revision int not null default 1, based_on int, note text not null default '',
  author uuid, editors uuid[] not null default '{}', created_at timestamptz not null default yx_now(), -- author null: the program (first load, import)
  published_by uuid, published_at timestamptz,
  primary key (district, version),
  foreign key (district, based_on) references rule_set (district, version),
  check (published_by is null or published_by <> all (editors)),
  check ((status in ('PUBLISHED','RETIRED')) = (published_at is not null))
);
-- The one pointer to the set in force.
create unique index rule_set_in_force on rule_set (district) where status = 'PUBLISHED';

create table rule_row (
  district text not null, set_version int not null, id text not null, version int not null,
  status text not null check (status in ('ACTIVE','SHADOW','OFF')), body jsonb not null,
  primary key (district, set_version, id),
  foreign key (district, set_version) references rule_set (district, version),
  check (body->>'source' in ('MANUAL','CATALOG'))
);

create table rule_set_event (
  district text not null, set_version int not null, seq int not null,
  at timestamptz not null default yx_now(), account uuid, action text not null, data jsonb not null default '{}',
  primary key (district, set_version, seq),
  foreign key (district, set_version) references rule_set (district, version)
);

-- A published set is immutable, for every role and every program.
-- +goose StatementBegin
create function yx_rule_row_guard() returns trigger language plpgsql set search_path = public as $$
declare s text;
begin
  select status into s from rule_set where district = coalesce(new.district, old.district) and version = coalesce(new.set_version, old.set_version);
  if s is distinct from 'DRAFT' then
    raise exception 'rule set % is not a draft', coalesce(new.set_version, old.set_version) using errcode = 'check_violation', constraint = 'rule_row_draft_only';
  end if;
  return coalesce(new, old);
end $$;
create function yx_rule_set_guard() returns trigger language plpgsql set search_path = public as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a rule set is never deleted' using errcode = 'check_violation', constraint = 'rule_set_kept';
  end if;
  if old.status <> 'DRAFT' and (old.status = 'DISCARDED' or new.status not in ('PUBLISHED','RETIRED') or (to_jsonb(new) - 'status') is distinct from (to_jsonb(old) - 'status')) then
    raise exception 'rule set % is immutable', old.version using errcode = 'check_violation', constraint = 'rule_set_immutable';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger rule_row_guard before insert or update or delete on rule_row for each row execute function yx_rule_row_guard();
create trigger rule_set_guard before update or delete on rule_set for each row execute function yx_rule_set_guard();

-- A precedent is drafted by an arbitration and holds at once; an administrator confirms it or ends it.
alter table rule add column created_at timestamptz not null default yx_now(), add column confirmed_by uuid, add column confirmed_at timestamptz,
  add column ended_by uuid, add column ended_at timestamptz, add column end_reason text not null default '',
  add constraint rule_ended check ((ended_at is null) = (ended_by is null));

-- Rules have a counter of their own: when only they changed, a process reads only them again.
alter table tenant add column rules_version bigint not null default 1;
-- +goose StatementBegin
create function yx_rules_changed() returns trigger language plpgsql security definer set search_path = public as $$
begin
  update tenant set rules_version = rules_version + 1 where district = coalesce(new.district, old.district);
  return null;
end $$;
-- +goose StatementEnd
drop trigger rule_changed on rule;
create trigger rule_changed after insert or update or delete on rule for each row execute function yx_rules_changed();
create trigger rule_set_changed after update of status on rule_set for each row execute function yx_rules_changed();

-- What people wrote so far becomes each district's first set. (The owner is under row-level security too.)
alter table rule no force row level security;
insert into rule_set (district, version, status, note) select distinct district, 1, 'DRAFT', '升级前的规则' from rule where body->>'source' not in ('PRECEDENT','INCIDENT');
insert into rule_row (district, set_version, id, version, status, body)
  select distinct on (district, id) district, 1, id, version, status, body || jsonb_build_object('version', version, 'status', status) from rule where body->>'source' not in ('PRECEDENT','INCIDENT') order by district, id, version desc;
delete from rule where body->>'source' not in ('PRECEDENT','INCIDENT');
update rule_set set status = 'PUBLISHED', published_at = yx_now();
alter table rule force row level security;

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['rule_set','rule_row','rule_set_event'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
grant update on rule_set, rule_row to yixian_app, yixian_engine;
grant delete on rule_row to yixian_app, yixian_engine;

-- The first set of a district, in force at once: there is nothing yet that a second person could protect. rules is an array
-- of rules; null is an empty set. Called by the first load of a fixture, a clone of a template and the first import.
-- +goose StatementBegin
create function yx_first_rules(d text, rules jsonb, why text) returns void language plpgsql set search_path = public as $$
begin
  insert into rule_set (district, version, status, note) values (d, 1, 'DRAFT', why);
  insert into rule_row (district, set_version, id, version, status, body)
    select d, 1, x->>'id', coalesce((x->>'version')::int, 1), coalesce(x->>'status', 'ACTIVE'), x || jsonb_build_object('version', coalesce((x->>'version')::int, 1), 'status', coalesce(x->>'status', 'ACTIVE'), 'source', coalesce(x->>'source', 'MANUAL'))
    from jsonb_array_elements(coalesce(rules, '[]')) x;
  update rule_set set status = 'PUBLISHED', published_at = yx_now() where district = d and version = 1;
  insert into rule_set_event (district, set_version, seq, action) values (d, 1, 1, 'first_load');
end $$;
-- +goose StatementEnd

-- +goose Down
select 1/0;

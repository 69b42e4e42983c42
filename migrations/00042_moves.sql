-- +goose Up
-- A case moves as the lifecycle says, whoever writes: the pairs are drawn from dispatch/lifecycle.go (TestTheDatabaseKnowsTheMoves
-- compares them). A head never goes back, a case is never deleted. The trigger looks only when one of these columns changes.
-- +goose StatementBegin
create function yx_case_moves() returns text[] language sql immutable parallel safe as $$ select array[
    'CALLING>HANDLING','CALLING>ONSITE','CLOSED>ARCHIVED','CLOSED>HANDLING','CLOSED>ONSITE',
    'DISPATCHED>CALLING','DISPATCHED>DISPUTED','DISPATCHED>FILED','DISPATCHED>HANDLING','DISPATCHED>MERGED','DISPATCHED>SUSPENDED',
    'DISPATCHED>VOIDED','DISPUTED>CALLING','DISPUTED>DISPATCHED','FILED>CALLING','FILED>DISPATCHED','FILED>MERGED',
    'FILED>REJECTED','FILED>VOIDED','HANDLING>CALLING','HANDLING>CLOSED','HANDLING>DISPATCHED','HANDLING>DISPUTED',
    'HANDLING>FILED','HANDLING>RESOLVED','HANDLING>SUSPENDED','ONSITE>CALLING','ONSITE>CLOSED','ONSITE>DISPUTED',
    'ONSITE>RESOLVED','ONSITE>SUSPENDED','REJECTED>SUBMITTED','RESOLVED>CLOSED','RESOLVED>HANDLING','RESOLVED>ONSITE',
    'SUBMITTED>CALLING','SUBMITTED>DISPATCHED','SUBMITTED>FILED','SUBMITTED>MERGED','SUBMITTED>REJECTED','SUBMITTED>VERIFYING',
    'SUBMITTED>VOIDED','SUSPENDED>DISPATCHED','SUSPENDED>HANDLING','SUSPENDED>ONSITE','VERIFYING>CALLING','VERIFYING>DISPATCHED','VERIFYING>FILED',
    'VERIFYING>SUBMITTED','VERIFYING>VOIDED'] $$;
-- +goose StatementEnd
-- +goose StatementBegin
create function yx_case_move() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'case moves: a case is never deleted' using errcode = '23514', constraint = 'case_moves';
  end if;
  if new.state <> old.state and not (old.state || '>' || new.state) = any (yx_case_moves()) then
    raise exception 'case moves: % to % is no transition of the lifecycle', old.state, new.state using errcode = '23514', constraint = 'case_moves';
  end if;
  if new.version < old.version or new.head_seq < old.head_seq or new.last_at < old.last_at then
    raise exception 'case moves: a case never goes back' using errcode = '23514', constraint = 'case_moves';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger case_moves before update of state, version, head_seq, last_at on cases for each row
  when (new.state is distinct from old.state or new.version < old.version or new.head_seq < old.head_seq or new.last_at < old.last_at) execute function yx_case_move();
create trigger case_stays before delete on cases for each row execute function yx_case_move();

-- What rings more than a minute after its instant says so itself ("late": true beside the true due instant): after an outage
-- nobody has to compare the two.
-- +goose StatementBegin
create or replace function yx_fire_due(p_limit int) returns table (district text, case_id uuid, seq bigint, kind text, level int) language plpgsql volatile
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  if not exists (select from sla_clock k where k.next_at <= yx_now()) then
    return;
  end if;
  return query
  with pick as materialized (
    select k.district, k.id, k.case_id, k.kind, k.unit, k.level, k.ladder, k.next_at from sla_clock k where k.next_at <= yx_now() order by k.next_at limit p_limit
  ), one as (
    select distinct on (p.district, p.case_id) p.* from pick p order by p.district, p.case_id, p.next_at, p.id
  ), held as materialized (
    select o.district, o.id, o.case_id, o.kind, o.unit, o.level as old, o.ladder as l,
           c.head_seq + 1 as seq, c.head_hash, greatest(yx_now(), c.last_at) as at, c.state, c.version
    from one o
    join cases was on was.district = o.district and was.id = o.case_id
    join cases c on c.district = o.district and c.id = o.case_id and c.ctid = was.ctid
    for no key update of c skip locked
  ), step as (
    select h.*, case when old < 50 and l[1] is not null then 50 when old < 80 and l[2] is not null then 80 when old < 100 and l[3] is not null then 100 when old < 150 and l[4] is not null then 150 else 200 end as new_level
    from held h
  ), rung as (
    select s.*, case new_level when 50 then l[1] when 80 then l[2] when 100 then l[3] when 150 then l[4] else l[5] end as due,
           case when new_level < 80 and l[2] is not null then l[2] when new_level < 100 and l[3] is not null then l[3] when new_level < 150 and l[4] is not null then l[4] when new_level < 200 then l[5] end as after
    from step s
  ), done as materialized (
    select f.*, sha256(f.head_hash || convert_to(f.fact, 'UTF8')) as hash from (
    select s.*, format('{"v":1,"district":"%s","case":"%s","seq":%s,"at":"%s","actor":"SYSTEM","role":"SYSTEM","unit":"","action":"clock_due","from":"%s","to":"%s","version":%s,"data":{"clock":"%s","due":"%s","kind":"%s",%s"level":%s,"unit":%s}}',
        s.district, s.case_id, s.seq, to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), s.state, s.state, s.version,
        s.id, to_char(s.due at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), s.kind, case when s.at > s.due + interval '1 minute' then '"late":true,' else '' end, s.new_level, to_json(s.unit)) as fact
    from rung s) f
  ), ev as (
    insert into case_event (district, case_id, seq, id, at, actor, role, unit, action, from_state, to_state, version, fact, prev_hash, hash, clock_id, clock_level)
    select d.district, d.case_id, d.seq, yx_uuid7(), d.at, 'SYSTEM', 'SYSTEM', '', 'clock_due', d.state, d.state, d.version, d.fact, d.head_hash, d.hash, d.id, d.new_level from done d
  ), ob as (
    insert into outbox (district, case_id, seq) select d.district, d.case_id, d.seq from done d
  ), ck as (
    update sla_clock k set level = d.new_level, next_at = d.after from done d where k.district = d.district and k.id = d.id
  ), cs as (
    update cases c set head_seq = d.seq, head_hash = d.hash, last_at = d.at from done d where c.district = d.district and c.id = d.case_id
  )
  select d.district, d.case_id, d.seq, d.kind, d.new_level from done d;
end $$;
-- +goose StatementEnd

-- +goose Down
select 1/0;

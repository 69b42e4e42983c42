-- +goose Up
-- Ringing at less than half its cost (yixian bench escalate), and an engine that idles for next to nothing:
--   what is due is asked first, and the plan of the long statement is kept by the session (plpgsql) instead of made again;
--   only the case is locked, since a clock changes only together with its case; cases.ctid = was.ctid says that nobody
--   changed it since the statement began, so the clock that was read is the clock that is;
--   the choice of the rung is plain arithmetic; a page of cases has room for the next version of its rows, so that raising
--   a head writes no index.
-- What it writes is what 00003 writes, byte for byte.
alter table cases set (fillfactor = 50);
alter table sla_clock set (fillfactor = 85);

drop function yx_fire_due(int);
-- +goose StatementBegin
create function yx_fire_due(p_limit int) returns table (district text, case_id uuid, seq bigint, kind text, level int) language plpgsql volatile
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
    select s.*, format('{"v":1,"district":"%s","case":"%s","seq":%s,"at":"%s","actor":"SYSTEM","role":"SYSTEM","unit":"","action":"clock_due","from":"%s","to":"%s","version":%s,"data":{"clock":"%s","due":"%s","kind":"%s","level":%s,"unit":%s}}',
        s.district, s.case_id, s.seq, to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), s.state, s.state, s.version,
        s.id, to_char(s.due at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), s.kind, s.new_level, to_json(s.unit)) as fact
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

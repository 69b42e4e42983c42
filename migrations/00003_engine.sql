-- +goose Up
-- One statement rings due clocks: it locks the clock and its case, appends `clock_due` to the chain, raises the level.
-- One clock of a case per round, earliest first; a row that somebody holds is left for the next round.
-- The fact's key order is that of dispatch.Fact; docs/adr/0004 gives the format.
-- +goose StatementBegin
create function yx_fire_due(p_limit int) returns table (district text, case_id uuid, seq bigint, kind text, level int) language sql volatile
  set enable_seqscan = off as $$
  with pick as materialized (
    select k.district, k.id, k.case_id, k.next_at from sla_clock k where k.next_at <= yx_now() order by k.next_at limit p_limit
  ), one as (
    select distinct on (p.district, p.case_id) p.district, p.id, p.case_id, p.next_at from pick p order by p.district, p.case_id, p.next_at, p.id
  ), held as materialized (
    select k.district, k.id, k.case_id, k.kind, k.unit, k.level as old_level, k.ladder, k.next_at,
           c.head_seq, c.head_hash, c.last_at, c.state, c.version
    from one o
    join sla_clock k on k.district = o.district and k.id = o.id
    join cases c on c.district = k.district and c.id = k.case_id
    where k.next_at <= yx_now()
    for update of c, k skip locked
  ), step as (
    select h.*, l.level as new_level, h.ladder[l.i] as rung, greatest(yx_now(), h.last_at) as at, yx_uuid7() as event_id,
           (select min(h.ladder[m.i]) from (values (1,50),(2,80),(3,100),(4,150),(5,200)) m(i, level) where m.level > l.level and h.ladder[m.i] is not null) as after
    from held h
    cross join lateral (select v.i, v.level from (values (1,50),(2,80),(3,100),(4,150),(5,200)) v(i, level)
                        where v.level > h.old_level and h.ladder[v.i] is not null order by v.level limit 1) l
  ), fact as (
    select s.*, format('{"v":1,"district":"%s","case":"%s","seq":%s,"at":"%s","actor":"SYSTEM","role":"SYSTEM","unit":"","action":"clock_due","from":"%s","to":"%s","version":%s,"data":{"clock":"%s","due":"%s","kind":"%s","level":%s,"unit":%s}}',
        s.district, s.case_id, s.head_seq + 1, to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), s.state, s.state, s.version,
        s.id, to_char(s.rung at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), s.kind, s.new_level, to_json(s.unit)) as fact
    from step s
  ), done as (
    select f.*, sha256(f.head_hash || convert_to(f.fact, 'UTF8')) as hash from fact f
  ), ev as (
    insert into case_event (district, case_id, seq, id, at, actor, role, unit, action, from_state, to_state, version, fact, prev_hash, hash, clock_id, clock_level)
    select d.district, d.case_id, d.head_seq + 1, d.event_id, d.at, 'SYSTEM', 'SYSTEM', '', 'clock_due', d.state, d.state, d.version, d.fact, d.head_hash, d.hash, d.id, d.new_level from done d
  ), ob as (
    insert into outbox (district, case_id, seq) select d.district, d.case_id, d.head_seq + 1 from done d
  ), ck as (
    update sla_clock k set level = d.new_level, next_at = d.after from done d where k.district = d.district and k.id = d.id
  ), cs as (
    update cases c set head_seq = d.head_seq + 1, head_hash = d.hash, last_at = d.at from done d where c.district = d.district and c.id = d.case_id
  )
  select d.district, d.case_id, d.head_seq + 1, d.kind, d.new_level from done d
$$;
-- +goose StatementEnd

-- +goose Down
select 1/0;

package dispatch

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// The database's clock jumps an hour back and forth thirty times while three engines ring and people write: nothing rings
// twice, nothing before its time, and no event of a case is older than the one before it.
func TestAClockThatJumps(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	var ids []uuid.UUID
	for range 12 {
		ids = append(ids, d.submit("lin", matterLight, inJunmen).CaseID)
	}
	engines := []*engineRoom{newEngineRoom(d, d.db.Engine), newEngineRoom(d, d.db.Engine), newEngineRoom(d, d.db.Engine)}
	draw := rand.New(rand.NewPCG(27, 1))
	back := 0
	for n := range 30 {
		by := time.Hour
		if draw.IntN(2) == 0 && n > 2 {
			by, back = -time.Hour, back+1
		}
		d.advance(by + time.Duration(draw.IntN(600))*time.Second)
		var group sync.WaitGroup
		for _, e := range engines {
			group.Go(func() {
				if err := e.once(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Go(func() {
			cmd, _ := ParseCommand(ActNote, []byte(`{"text":"现场情况说明"}`))
			if _, err := d.desk.Do(t.Context(), d.actor("dispatcher"), ids[n%len(ids)], cmd, nil); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
	}
	require.Greater(t, back, 5)
	rang := d.count("select count(*) from case_event where action = 'clock_due'")
	require.Greater(t, rang, 20)
	require.Equal(t, rang, d.count("select count(distinct (clock_id, clock_level)) from case_event where clock_id is not null"), "twice")
	require.Zero(t, d.count("select count(*) from case_event where clock_id is not null and at < (fact::jsonb->'data'->>'due')::timestamptz"), "early")
	require.Zero(t, d.count("select count(*) from (select at - lag(at) over (partition by case_id order by seq) as step from case_event) x where step < interval '0'"), "an event is older than the one before it")
	d.verify()
	t.Logf("RESULT name=clock-jumps jumps=30 back=%d rang=%d twice=0 early=0 out_of_order=0", back, rang)
}

// All engines are down for an hour in which clocks come due. On their return each missed ring is heard once, in the order of a case's
// clocks, with its true instant and marked as late; what is on time is not marked.
func TestAnHourWithoutEngines(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	for range 10 {
		d.submit("lin", matterLight, inJunmen)
	}
	const ring = "select count(*) from case_event where clock_id is not null and "
	missed := d.count("select count(*) from sla_clock k, unnest(k.ladder) at where k.state = 'RUNNING' and at <= yx_now() + interval '1 hour'")
	require.Positive(t, missed)
	d.advance(time.Hour + 2*time.Minute)
	missed = d.count("select count(*) from sla_clock k, unnest(k.ladder) at where k.state = 'RUNNING' and at <= yx_now()")
	var group sync.WaitGroup
	for range 3 {
		e := newEngineRoom(d, d.db.Engine)
		group.Go(func() {
			for d.count("select count(*) from sla_clock where next_at <= yx_now()") > 0 {
				if err := e.once(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, missed, d.count(ring+"true"))
	require.Equal(t, missed, d.count("select count(distinct (clock_id, clock_level)) from case_event where clock_id is not null"))
	require.Zero(t, d.count("select count(*) from (select (fact::jsonb->'data'->>'due')::timestamptz - lag((fact::jsonb->'data'->>'due')::timestamptz) over (partition by case_id order by seq) as step from case_event where clock_id is not null) x where step < interval '0'"), "out of order")
	require.Zero(t, d.count(ring+"(fact::jsonb->'data'->>'late')::bool is distinct from case when at > (fact::jsonb->'data'->>'due')::timestamptz + interval '1 minute' then true end"))
	late := d.count(ring + "fact::jsonb->'data'->>'late' = 'true'")
	require.Positive(t, late)

	room := newEngineRoom(d, d.db.Engine)
	next, ok, err := room.NextDue(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	d.setClock(next)
	require.NoError(t, room.once(t.Context()))
	require.Equal(t, late, d.count(ring+"fact::jsonb->'data'->>'late' = 'true'"), "what rings in time is not late")
	require.Greater(t, d.count(ring+"true"), missed)
	d.verify()
}

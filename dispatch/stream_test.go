package dispatch

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/auth"
)

// What a stream shows is what its reader may see, live and in the catch-up alike.
func TestStreamKeepsToTheScope(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	linCase := d.submit("lin", matterLight, inJunmen).CaseID      // 东街, led by D-JS
	chenCase := d.submit("chen", matterBuilding, inGarden).CaseID // 东街 too, another community
	sees := func(names ...string) []uuid.UUID {
		return map[string][]uuid.UUID{"lin": {linCase}, "chen": {chenCase}, "both": {linCase, chenCase}, "none": {}}[names[0]]
	}
	for name, want := range map[string][]uuid.UUID{
		"lin": sees("lin"), "chen": sees("chen"), "dispatcher": sees("both"), "supervisor": sees("both"), "auditor": sees("both"), "dj-officer": sees("both"),
		"wq-officer": sees("none"), "js-officer": sees("lin"), "cg-officer": sees("none"), "junmen-officer": sees("lin"), "garden-worker": sees("chen"), "admin": sees("none"),
		"rq-utility": sees("none"),
	} {
		a := d.actor(name)
		caught, err := d.desk.StreamSince(t.Context(), a, Since{}, 0)
		require.NoError(t, err)
		got := map[uuid.UUID]bool{}
		for _, n := range caught {
			got[n.CaseID] = true
		}
		expect := map[uuid.UUID]bool{}
		for _, id := range want {
			expect[id] = true
		}
		require.Equal(t, expect, got, name)
		in, err := d.desk.InScope(t.Context(), a, []uuid.UUID{linCase, chenCase, uuid.New()})
		require.NoError(t, err)
		require.Equal(t, expect, in, name)
	}
	for _, a := range []auth.Actor{{District: "350102", Kind: auth.Guest, Device: uuid.New()}, {District: "350103", Kind: auth.Resident, Account: d.actor("lin").Account}} {
		caught, err := d.desk.StreamSince(t.Context(), a, Since{}, 0)
		require.NoError(t, err)
		require.Empty(t, caught)
		in, err := d.desk.InScope(t.Context(), a, []uuid.UUID{linCase})
		require.NoError(t, err)
		require.Empty(t, in)
	}
}

// A client that goes on from its last event misses nothing; pages neither overlap nor leave a gap.
func TestStreamCatchesUp(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	for range 4 {
		d.submit("lin", matterLight, inJunmen)
	}
	d.advance(72 * time.Hour) // domain time: the stream goes by real time
	room.work(d)
	total := d.count("select count(*) from case_event")
	require.Len(t, room.notices, total)
	a := d.actor("dispatcher")
	var all []Notice
	for since := (Since{}); ; since = Next(all[len(all)-1]) {
		page, err := d.desk.StreamSince(t.Context(), a, since, 5)
		require.NoError(t, err)
		all = append(all, page...)
		if len(page) < 5 {
			break
		}
	}
	require.Len(t, all, total)
	for i := 1; i < len(all); i++ {
		require.Negative(t, bytes.Compare(all[i-1].EventID[:], all[i].EventID[:]))
	}
	again, err := d.desk.StreamSince(t.Context(), a, SinceEvent(all[len(all)-1].EventID), 0)
	require.NoError(t, err)
	require.Equal(t, all, again, "the last 30 s are read again: a slow commit may have come after")
	later, err := d.desk.StreamSince(t.Context(), a, SinceTime(eventTime(all[len(all)-1].EventID).Add(time.Minute)), 0)
	require.NoError(t, err)
	require.Empty(t, later)
}

func TestSinceLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "ms"))
		var id uuid.UUID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if made := uuid7(at, id[:]); !eventTime(made).Equal(at) {
			t.Fatalf("%s holds %s, not %s", made, eventTime(made), at)
		}
		if SinceTime(at) != SinceEvent(uuid7(at, id[:])) {
			t.Fatal("an event and its instant begin at different places")
		}
		made := uuid7(at, id[:])
		next := Next(Notice{EventID: made}).from
		if bytes.Compare(next[:], made[:]) <= 0 {
			t.Fatalf("%s is not after %s", next, made)
		}
	})
}

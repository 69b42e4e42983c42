package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/pg"
)

// A closed case is a repeated one when the same minor class came again within 100 m and 30 days, in whatever cell; not further away, not
// later, not another matter.
func TestRepeatedCases(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.closedCase()
	w := d.worlds.Get(grid.DemoDistrict)
	p, err := w.period("2026-06")
	require.NoError(t, err)
	repeated := func() (n int) {
		facts, err := collect(pg.WithDistrict(t.Context(), grid.DemoDistrict), d.db.App.Pool, grid.DemoDistrict, p, w.Calendar)
		require.NoError(t, err)
		closed := 0
		for i := range facts {
			if f := &facts[i]; f.Kind == score.KindClosed {
				closed++
				if f.Yes {
					n++
				}
			}
		}
		require.Equal(t, 1, closed)
		return n
	}
	d.advance(time.Hour)
	near, far := inJunmen, inJunmen
	near.Lat += 0.0008 // 89 m
	far.Lat += 0.0011  // 122 m
	there := func(at PointIn) int64 { return grid.Cell(grid.Point{Lon: at.Lon, Lat: at.Lat}) }
	require.NotEqual(t, there(inJunmen), there(near))
	require.Zero(t, repeated())
	d.submit("lin", matterBuilding, inJunmen)
	d.submit("lin", matterLight, far)
	require.Zero(t, repeated(), "another matter, and 122 m away")
	again := d.submit("lin", matterLight, near)
	require.Equal(t, 1, repeated())
	for days, want := range map[int]int{30: 1, 31: 0, -1: 0} {
		_, err := d.superuser().Exec(t.Context(), "update cases set created_at = (select closed_at from cases where closed_at is not null) + $2 where id = $1", again.CaseID, time.Duration(days)*24*time.Hour)
		require.NoError(t, err)
		require.Equal(t, want, repeated(), "%d days later", days)
	}
}

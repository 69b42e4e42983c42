package grid_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"yixian/grid"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

// The demo goes into a real database and comes back as the index that it makes in memory.
func TestDirectoryLoadsWhatIsInForce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := pg.WithDistrict(t.Context(), grid.DemoDistrict)
	_, err := db.Engine.Pool.Exec(ctx, "insert into tenant (district, name) values ('350102', '鼓楼区')")
	require.NoError(t, err)
	areas, units, err := grid.Demo()
	require.NoError(t, err)

	// One grid got a second version with another land use; the first ended when it began.
	change := time.Date(2026, 6, 8, 9, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))
	last := &areas[len(areas)-1]
	next := *last
	next.Version, next.LandUse, next.ValidFrom = 2, "广场改造", change
	last.ValidTo = &change
	require.NoError(t, db.App.Gorm.WithContext(ctx).CreateInBatches(append(areas, next), 200).Error)
	require.NoError(t, db.App.Gorm.WithContext(ctx).CreateInBatches(units, 200).Error)

	var d grid.Directory
	_, err = d.Load(ctx, db.App, change.Add(-time.Second))
	require.NoError(t, err)
	before, ok := d.Index().ByCode(next.Code)
	require.True(t, ok)
	require.Equal(t, 1, before.Version)
	changed, err := d.Load(ctx, db.App, change)
	require.NoError(t, err)
	require.True(t, changed, "an effective date has come")
	changed, err = d.Load(ctx, db.App, change.Add(time.Second))
	require.NoError(t, err)
	require.False(t, changed, "nothing has happened since")
	after, ok := d.Index().ByCode(next.Code)
	require.True(t, ok)
	require.Equal(t, 2, after.Version)
	require.Equal(t, "广场改造", after.LandUse)

	require.Len(t, d.Index().Children("350102"), 10)
	bare, ok := d.Index().ByCode("350102001001")
	require.True(t, ok)
	require.False(t, bare.Polygon.Known(), "a community without a boundary keeps none")
	first, ok := d.Index().ByCode("350102002002001")
	require.True(t, ok)
	var want grid.Area
	for _, a := range areas {
		if a.Code == first.Code {
			want = a
		}
	}
	require.Empty(t, cmp.Diff(want, first))

	var stored []grid.OrgUnit
	require.NoError(t, db.App.Gorm.WithContext(ctx).Find(&stored).Error)
	require.ElementsMatch(t, units, stored)

	// Another district's context sees nothing of it, and a failed load keeps the old snapshot.
	var other grid.Directory
	_, err = other.Load(pg.WithDistrict(t.Context(), "350122"), db.App, change)
	require.NoError(t, err)
	require.Empty(t, other.Index().Children("350102"))
	_, err = db.App.Pool.Exec(ctx, "update area set name = 'x' where code = $1", next.Code)
	require.ErrorContains(t, err, "permission denied", "what a version says is never overwritten")
	_, err = db.App.Pool.Exec(ctx, "insert into area (district, code, level, kind, name, parent, ground, valid_from) values ('350102', '350102002002999', 'grid', 'unit', 'x', '350102002002', '\\x0000000001', $1)", change)
	require.NoError(t, err)
	_, err = d.Load(ctx, db.App, change)
	require.Error(t, err)
	_, ok = d.Index().ByCode(next.Code)
	require.True(t, ok)
}

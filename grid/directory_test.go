package grid_test

import (
	"encoding/json"
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
	require.NoError(t, d.Load(ctx, db.App.Gorm, change.Add(-time.Second)))
	before, ok := d.Index().ByCode(next.Code)
	require.True(t, ok)
	require.Equal(t, 1, before.Version)
	require.NoError(t, d.Load(ctx, db.App.Gorm, change))
	after, ok := d.Index().ByCode(next.Code)
	require.True(t, ok)
	require.Equal(t, 2, after.Version)
	require.Equal(t, "广场改造", after.LandUse)

	require.Len(t, d.Index().Children("350102"), 10)
	bare, ok := d.Index().ByCode("350102001001")
	require.True(t, ok)
	require.Empty(t, bare.Polygon, "a community without a boundary keeps none")
	first, ok := d.Index().ByCode("350102002002001")
	require.True(t, ok)
	var want grid.Area
	for _, a := range areas {
		if a.Code == first.Code {
			want = a
		}
	}
	sameJSON := cmp.Transformer("json", func(raw json.RawMessage) any {
		var v any
		require.NoError(t, json.Unmarshal(raw, &v))
		return v
	})
	require.Empty(t, cmp.Diff(want, first, sameJSON))

	var stored []grid.OrgUnit
	require.NoError(t, db.App.Gorm.WithContext(ctx).Find(&stored).Error)
	require.ElementsMatch(t, units, stored)

	// Another district's context sees nothing of it, and a failed load keeps the old snapshot.
	var other grid.Directory
	require.NoError(t, other.Load(pg.WithDistrict(t.Context(), "350122"), db.App.Gorm, change))
	require.Empty(t, other.Index().Children("350102"))
	require.NoError(t, db.App.Gorm.WithContext(ctx).Model(&grid.Area{}).
		Where("code = ?", next.Code).Where("version = 2").Update("polygon", json.RawMessage(`{"type":"Point"}`)).Error)
	require.Error(t, d.Load(ctx, db.App.Gorm, change))
	_, ok = d.Index().ByCode(next.Code)
	require.True(t, ok)
}

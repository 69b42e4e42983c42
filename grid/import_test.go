package grid

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

// mapDistrict is a database with one district and its administrator.
type mapDistrict struct {
	t     *testing.T
	db    *pgtest.Database
	maps  *Maps
	admin auth.Actor
}

func newMapDistrict(t *testing.T, district string) *mapDistrict {
	t.Helper()
	d := &mapDistrict{t: t, db: pgtest.New(t), admin: auth.Actor{District: district, Kind: auth.Staff, Username: "adm1", Bindings: []auth.Binding{{Role: auth.RoleTenantAdmin}}}}
	_, err := d.db.Engine.Pool.Exec(t.Context(), "insert into tenant (district, name) values ($1, '示例区')", district)
	require.NoError(t, err)
	d.maps = NewMaps(d.db.App)
	return d
}

func (d *mapDistrict) ctx() context.Context { return pg.WithDistrict(d.t.Context(), d.admin.District) }

func (d *mapDistrict) load(areas []Area) {
	d.t.Helper()
	require.NoError(d.t, d.db.Engine.Gorm.WithContext(d.ctx()).CreateInBatches(areas, 200).Error)
}

func (d *mapDistrict) imports(file string, in Import) (*Report, error) {
	return d.maps.Import(d.ctx(), d.admin, strings.NewReader(file), in)
}

// taken imports a file that must be taken.
func (d *mapDistrict) taken(file string, in Import) *Report {
	d.t.Helper()
	r, err := d.imports(file, in)
	if e, ok := fault.As(err); ok {
		require.NoError(d.t, err, "%v", e.Fields)
	}
	require.NoError(d.t, err)
	return r
}

func (d *mapDistrict) index(at time.Time) *Index {
	d.t.Helper()
	var dir Directory
	_, err := dir.Load(d.ctx(), d.db.App, at)
	require.NoError(d.t, err)
	return dir.Index()
}

// rows counts what the map's tables hold; equal numbers before and after a refusal prove that nothing was half done.
func (d *mapDistrict) rows() (n int) {
	d.t.Helper()
	require.NoError(d.t, d.db.App.Pool.QueryRow(d.ctx(), "select (select count(*) from area) * 1000 + (select count(*) from area where valid_to is not null) * 10 + (select count(*) from area_change)").Scan(&n))
	return n
}

func sampleFile(t *testing.T, s Sample, d Datum) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, s.WriteGeoJSON(&b, d))
	return b.String()
}

var smallSample = Sample{District: "350199", Grids: 60, Corners: 40, West: Point{119.1, 25.9}}

func TestImportAddsChangesAndKeeps(t *testing.T) {
	t.Parallel()
	d := newMapDistrict(t, "350199")
	file := sampleFile(t, smallSample, WGS84)
	trial := d.taken(file, Import{DryRun: true})
	require.Equal(t, 64, trial.Added, "%v", trial.Findings)
	require.Empty(t, trial.Change)
	require.Zero(t, d.rows())

	r := d.taken(file, Import{})
	require.Equal(t, 64, r.Added)
	require.Equal(t, 60, r.Idle)
	require.Equal(t, map[string]int{FindNoReference: 1}, r.Counts)
	again := d.taken(file, Import{})
	require.Equal(t, 64, again.Unchanged)
	require.Empty(t, again.Change, "nothing differs, nothing is written")

	renamed := strings.Replace(file, `"name":"示例001001007"`, `"name":"七号网格"`, 1)
	before := d.index(time.Now())
	r = d.taken(renamed, Import{})
	require.Equal(t, []VersionRef{{"350199001001007", 2}}, r.Begun)
	require.Equal(t, []VersionRef{{"350199001001007", 1}}, r.Ended)
	after := d.index(time.Now())
	old, _ := before.ByCode("350199001001007")
	now, _ := after.ByCode("350199001001007")
	require.Equal(t, 1, old.Version)
	require.Equal(t, 2, now.Version)
	require.Equal(t, "七号网格", now.Name)
	middle, _ := after.Centre(now.Code)
	place, ok := after.Locate(middle)
	require.True(t, ok)
	require.Equal(t, 2, place.GridVersion)
}

// The same ground in any datum gives the same grids to a centimetre or two.
func TestImportInEveryDatum(t *testing.T) {
	t.Parallel()
	for _, datum := range []Datum{GCJ02, BD09} {
		d := newMapDistrict(t, "350199")
		d.load([]Area{demoArea(LevelDistrict, "350199", "示例区", Polygon{smallSample.hull()})})
		file := sampleFile(t, smallSample, datum)
		r := d.taken(file, Import{})
		require.Equal(t, 63, r.Added)
		x := d.index(time.Now())
		for n := range smallSample.Grids {
			a, ok := x.ByCode(smallSample.code(n))
			require.True(t, ok)
			want := smallSample.shape(n)
			for i, v := range a.Polygon.s.polygons[0][0] {
				require.InDelta(t, 0, Distance(v.point(), want.polygons[0][0][i].point()), 0.05)
			}
		}
		// Read as WGS-84 the same file is suspicious; and it says what would be right.
		other := newMapDistrict(t, "350199")
		other.load([]Area{demoArea(LevelDistrict, "350199", "示例区", Polygon{smallSample.hull()})})
		_, err := other.imports(strings.Replace(file, string(datum), "WGS84", 1), Import{Accept: []string{FindOutsideParent}})
		require.True(t, fault.Is(err, "MAP_REFUSED"))
		e, _ := fault.As(err)
		require.Contains(t, fmt.Sprint(e.Fields), "若按 "+string(datum))
	}
}

// hull is the outline of the sample's box with a little room.
func (s Sample) hull() *shape {
	box := s.shape(0)
	for n := range s.Grids {
		one := s.shape(n)
		box.low, box.top = vertex{min(box.low.x, one.low.x), min(box.low.y, one.low.y)}, vertex{max(box.top.x, one.top.x), max(box.top.y, one.top.y)}
	}
	return newShape([][]ring{{{box.low, {box.top.x, box.low.y}, box.top, {box.low.x, box.top.y}}}})
}

// A country of 8,500 polygons, with the time of each step: YIXIAN_FULL=1 go test -run ImportOfACountry -v ./grid
func TestImportOfACountry(t *testing.T) {
	if os.Getenv("YIXIAN_FULL") != "1" {
		t.Skip("YIXIAN_FULL=1 runs it; yixian bench import measures it")
	}
	d := newMapDistrict(t, "350199")
	file := sampleFile(t, Sample{District: "350199", Grids: 8_500, Corners: 102, West: Point{117, 25}}, WGS84)
	r := d.taken(file, Import{})
	t.Log(len(file)>>20, "MB", r.Corners, "corners", r.Counts)
}

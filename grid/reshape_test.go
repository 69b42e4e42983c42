package grid

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// Cutting a ragged grid with any line and joining the parts again: no ground is lost or won, every point of the whole lies in a part,
// and the parts give the whole back.
func TestCutAndJoinConserveGround(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := Sample{District: "350199", Grids: 9, Corners: rapid.IntRange(4, 60).Draw(t, "corners"), West: Point{119.1, 25.9}}
		whole := s.shape(rapid.IntRange(0, 8).Draw(t, "which"))
		m := whole.middle()
		angle := rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle")
		shift := rapid.Float64Range(-0.2, 0.2).Draw(t, "shift") * sampleCell
		cx, cy := float64(m.x)-math.Sin(angle)*shift, float64(m.y)+math.Cos(angle)*shift
		far := 2.0 * sampleCell
		line := []vertex{{int32(cx - far*math.Cos(angle)), int32(cy - far*math.Sin(angle))}, {int32(cx + far*math.Cos(angle)), int32(cy + far*math.Sin(angle))}}
		if rapid.Bool().Draw(t, "bent") {
			line = []vertex{line[0], {int32(cx + rapid.Float64Range(-2000, 2000).Draw(t, "bx")), int32(cy + rapid.Float64Range(-2000, 2000).Draw(t, "by"))}, line[1]}
		}
		parts, err := whole.cutAlong(line)
		if err != nil { // a refusal must say why
			_, ok := fault.As(err)
			require.True(t, ok, "%v", err)
			return
		}
		require.GreaterOrEqual(t, len(parts), 2)
		sum := 0.0
		for _, p := range parts {
			sum += Polygon{p}.SquareMetres()
		}
		require.InDelta(t, Polygon{whole}.SquareMetres(), sum, perimeter(whole.polygons[0][0])*0.02, "no more than the rounding of corners")
		random := rand.New(rand.NewPCG(7, 8))
		for range 200 {
			v := vertex{whole.low.x + int32(random.IntN(int(whole.top.x-whole.low.x))), whole.low.y + int32(random.IntN(int(whole.top.y-whole.low.y)))}
			in := 0
			for _, p := range parts {
				if p.holds(v) {
					in++
				}
			}
			if inside, on := evenOdd(whole.polygons[0], v); inside && !on {
				require.Positive(t, in, "%v was lost", v)
			} else if !on {
				require.Zero(t, in, "%v was won", v)
			}
		}
		again, err := joinShapes(parts)
		require.NoError(t, err)
		require.InDelta(t, sum, Polygon{again}.SquareMetres(), 0.5)
		require.Len(t, again.polygons, 1)
	})
}

// neighbours of the fixture: 1 | 2 and a worker on each.
func reshaping(t *testing.T) *mapDistrict {
	t.Helper()
	d := gulou(t)
	for name, grids := range map[string][]string{"gw1": {g1}, "gw2": {g2}} {
		_, err := d.db.Engine.Pool.Exec(d.ctx(), `with a as (insert into account (district, id, kind, username, display_name) values ('350102', yx_uuid7(), 'STAFF', $1, $1) returning id)
			insert into role_binding (district, account_id, role, unit, grids) select '350102', id, 'GRID_WORKER', '350102004001', $2 from a`, name, grids)
		require.NoError(t, err)
	}
	return d
}

func (d *mapDistrict) grids(username string) (list []string) {
	d.t.Helper()
	require.NoError(d.t, d.db.App.Pool.QueryRow(d.ctx(), "select b.grids from role_binding b join account a on a.district = b.district and a.id = b.account_id where a.username = $1", username).Scan(&list))
	return list
}

var middleLine = []Point{{119.305, 26.07}, {119.305, 26.10}}

func TestSplitMergeRetire(t *testing.T) {
	t.Parallel()
	d := reshaping(t)
	before := d.index(time.Now())

	dry, err := d.maps.Split(d.ctx(), d.admin, Split{Code: g1, Line: middleLine, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []VersionRef{{g1, 2}, {g3, 1}}, dry.Begun)
	require.Equal(t, []string{g1}, d.grids("gw1"), "a trial changes nothing")

	r, err := d.maps.Split(d.ctx(), d.admin, Split{Code: g1, Version: 1, Line: middleLine})
	require.NoError(t, err)
	require.Equal(t, []VersionRef{{g1, 1}}, r.Ended)
	require.Equal(t, []WorkerEffect{{Username: "gw1", Name: "gw1", Unit: "350102004001", Gains: []string{g3}, Ends: []string{}, Left: 2}}, r.Workers)
	require.Equal(t, []string{g1, g3}, d.grids("gw1"))
	x := d.index(time.Now())
	west, _ := x.Locate(Point{119.302, 26.085})
	east, _ := x.Locate(Point{119.308, 26.085})
	seam, _ := x.Locate(Point{119.305, 26.085})
	require.Equal(t, g1, west.GridCode)
	require.Equal(t, 2, west.GridVersion)
	require.Equal(t, g3, east.GridCode)
	require.Equal(t, g1, seam.GridCode, "the lower code")
	was, _ := before.Locate(Point{119.308, 26.085})
	require.Equal(t, 1, was.GridVersion, "who was located before keeps version 1")

	_, err = d.maps.Split(d.ctx(), d.admin, Split{Code: g1, Version: 1, Line: middleLine})
	require.True(t, fault.Is(err, "STALE"), "%v", err)

	// Parts that are given: three quarters is not a split.
	half := func(w, e float64) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,26.08],[%[2]v,26.08],[%[2]v,26.09],[%[1]v,26.09],[%[1]v,26.08]]]}`, w, e))
	}
	for _, bad := range [][]Part{
		{{Code: g2, Polygon: half(119.31, 119.315)}},
		{{Code: g2, Polygon: half(119.31, 119.315)}, {Code: g4, Polygon: half(119.315, 119.319)}},
		{{Code: g2, Polygon: half(119.31, 119.315)}, {Code: g4, Polygon: half(119.314, 119.32)}},
		{{Code: g2, Polygon: half(119.31, 119.315)}, {Code: g4, Polygon: half(119.315, 119.321)}},
		{{Code: g2, Polygon: half(119.31, 119.315)}, {Code: g1, Polygon: half(119.315, 119.32)}},
		{{Code: g2, Polygon: half(119.31, 119.315)}, {Code: "350102004002001", Polygon: half(119.315, 119.32)}},
	} {
		_, err = d.maps.Split(d.ctx(), d.admin, Split{Code: g2, Parts: bad})
		e, ok := fault.As(err)
		require.True(t, ok && e.Status == 422, "%v", err)
	}
	_, err = d.maps.Split(d.ctx(), d.admin, Split{Code: g2, Parts: []Part{{Code: g2, Name: "西", Polygon: half(119.31, 119.315)}, {Code: g4, Name: "东", LandUse: "公园", Polygon: half(119.315, 119.32)}}})
	require.NoError(t, err)

	// 3 and the western half of 2 become one under a code of their own; the workers of both follow.
	r, err = d.maps.Merge(d.ctx(), d.admin, Merge{Codes: []string{g3, g2}, Into: "350102004001010", Name: "合并网格"})
	require.NoError(t, err)
	require.Equal(t, []VersionRef{{"350102004001010", 1}}, r.Begun)
	require.Equal(t, []string{g1, g3, "350102004001010"}, d.grids("gw1"), "what ended stays: running cases stand on it")
	require.Equal(t, []string{g2, g4, "350102004001010"}, d.grids("gw2"))
	x = d.index(time.Now())
	place, ok := x.Locate(Point{119.31, 26.085})
	require.True(t, ok)
	require.Equal(t, "350102004001010", place.GridCode)
	_, ok = x.Place(g3)
	require.False(t, ok)
	former, ok := x.Former(g3)
	require.True(t, ok, "its name and place can still be told")
	require.Equal(t, "军门社区", former.CommunityName)

	for _, bad := range []Merge{
		{Codes: []string{g1}, Into: g1}, {Codes: []string{g1, g4}, Into: g1}, {Codes: []string{g1, g1}, Into: g1},
		{Codes: []string{g1, "350102004001010"}, Into: g3}, {Codes: []string{g1, "350102004001010"}, Into: "350102004002001"},
	} {
		_, err = d.maps.Merge(d.ctx(), d.admin, bad)
		e, ok := fault.As(err)
		require.True(t, ok && e.Status == 422, "%+v: %v", bad, err)
	}

	// Retired without an heir: gw2 is left with what he has otherwise; absorbed: the ground stays covered.
	r, err = d.maps.Retire(d.ctx(), d.admin, Retire{Code: g4, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []string{g4}, r.Workers[0].Ends)
	require.Equal(t, 1, r.Workers[0].Left)
	r, err = d.maps.Retire(d.ctx(), d.admin, Retire{Code: g4, AbsorbedBy: "350102004001010"})
	require.NoError(t, err)
	require.Equal(t, []VersionRef{{"350102004001010", 2}}, r.Begun)
	x = d.index(time.Now())
	place, ok = x.Locate(Point{119.318, 26.085})
	require.True(t, ok)
	require.Equal(t, 2, place.GridVersion)
	_, err = d.maps.Retire(d.ctx(), d.admin, Retire{Code: g4})
	require.True(t, fault.Is(err, "GRID_ENDED"), "%v", err)

	var worker = d.admin
	worker.Bindings = []auth.Binding{{Role: auth.RoleGridWorker}}
	_, err = d.maps.Retire(d.ctx(), worker, Retire{Code: g1})
	require.True(t, fault.Is(err, "FORBIDDEN"))
}

// A change for a later day waits for it, and nothing else may be planned over it by hand.
func TestEffectiveDates(t *testing.T) {
	t.Parallel()
	d := reshaping(t)
	day := time.Now().AddDate(0, 1, 0)
	_, err := d.maps.Split(d.ctx(), d.admin, Split{Code: g1, Line: middleLine, Effective: day})
	require.NoError(t, err)
	place, _ := d.index(time.Now()).Locate(Point{119.308, 26.085})
	require.Equal(t, Place{GridCode: g1, GridVersion: 1}, Place{GridCode: place.GridCode, GridVersion: place.GridVersion})
	place, _ = d.index(day).Locate(Point{119.308, 26.085})
	require.Equal(t, g3, place.GridCode)

	_, err = d.maps.Retire(d.ctx(), d.admin, Retire{Code: g1})
	require.True(t, fault.Is(err, "GRID_PLANNED"), "%v", err)
	_, err = d.maps.Retire(d.ctx(), d.admin, Retire{Code: g2, Effective: time.Now().AddDate(0, 0, -2)})
	require.True(t, fault.Is(err, "EFFECTIVE_PAST"), "%v", err)

	// An import may supersede the plan, but only knowingly; the planned versions then never hold.
	file := collection(feature(g1, box(0, 0, 1000, 1000)))
	_, err = d.imports(file, Import{})
	require.True(t, fault.Is(err, "MAP_REFUSED"))
	r := d.taken(file, Import{Accept: []string{FindPlanned}})
	require.Contains(t, r.Ended, VersionRef{g1, 2})
	place, _ = d.index(day).Locate(Point{119.302, 26.085})
	require.Equal(t, 3, place.GridVersion)
}

// Two administrators at once on one grid: one of them wins, the other hears 409 and nothing of his is there.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	t.Parallel()
	d := reshaping(t)
	errs := make([]error, 2)
	var both sync.WaitGroup
	begin := make(chan struct{})
	for i := range errs {
		both.Go(func() {
			<-begin
			if i == 0 {
				_, errs[i] = d.maps.Split(d.ctx(), d.admin, Split{Code: g1, Version: 1, Line: middleLine})
				return
			}
			_, errs[i] = d.maps.Retire(d.ctx(), d.admin, Retire{Code: g1, Version: 1})
		})
	}
	close(begin)
	both.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		e, ok := fault.As(err)
		require.True(t, ok && e.Status == 409, "%v", err)
	}
	require.Equal(t, 1, won)
	var changes int
	require.NoError(t, d.db.App.Pool.QueryRow(d.ctx(), "select count(*) from area_change where kind <> 'import'").Scan(&changes))
	require.Equal(t, won, changes)
}

// The same key with the same content gives the first report again and changes nothing more.
func TestChangesAreIdempotent(t *testing.T) {
	t.Parallel()
	d := reshaping(t)
	in := Split{Code: g1, Line: middleLine, Once: Once{Key: "k", Hash: []byte("a")}}
	first, err := d.maps.Split(d.ctx(), d.admin, in)
	require.NoError(t, err)
	again, err := d.maps.Split(d.ctx(), d.admin, in)
	require.NoError(t, err)
	require.Equal(t, first.Change, again.Change)
	in.Once.Hash = []byte("b")
	_, err = d.maps.Split(d.ctx(), d.admin, in)
	require.True(t, fault.Is(err, "IDEMPOTENCY_MISMATCH"))
}

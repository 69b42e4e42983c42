package grid

import (
	"slices"
	"strings"

	"github.com/tidwall/rtree"

	"yixian/internal/fault"
)

// Place is where a point lies: the unit grid and all that is above it. Names are empty where the index
// does not hold the area.
type Place struct {
	GridCode, GridName           string
	CommunityCode, CommunityName string
	StreetCode, StreetName       string
	DistrictCode, DistrictName   string
	LandUse                      string
	Approx                       bool // the boundary is not official: show ApproxNotice
	GridVersion                  int  // a case keeps the version by which it was placed
}

// Index is an immutable snapshot of the areas of one or many districts; any number of goroutines may read it.
type Index struct {
	areas     []Area   // by code
	shapes    []*shape // of areas[i], nil without a polygon
	spots     []spot   // of areas[i], filled for unit grids
	wholes    []Place  // what the grids of a community have in common
	byCode    map[string]int32
	children  map[string][]int32
	rasters   []*raster // unit grids, by district
	outlines  []ring    // of unit grids that are one ring: fewer steps to their corners
	districts tree
	former    map[string]Area // by code, of codes that have ended
}

// spot is what a look-up has to read of a unit grid: with a hundred thousand of them every line of memory counts, so that what a
// community's grids have in common stands once.
type spot struct {
	code, name, landUse string
	version             int
	whole               int32 // in Index.wholes
	approx              bool
}

// tree holds positions in Index.areas by bounding box. The coordinates are units as float64, which holds
// every int32 exactly; the library multiplies them and would overflow an int32.
type tree struct{ rtree.RTreeGN[float64, int32] }

func (t *tree) add(s *shape, at int32) {
	low, top := s.box(1)
	t.Insert(low, top, at)
}

func (s *shape) box(reach float64) (low, top [2]float64) {
	return [2]float64{float64(s.low.x) - reach, float64(s.low.y) - reach},
		[2]float64{float64(s.top.x) + reach, float64(s.top.y) + reach}
}

// NewIndex builds a snapshot of areas in force at one instant: each code at most once. former are areas that have ended, found by
// their code only. The areas are copied. Errors are faults that name the area's code.
func NewIndex(areas []Area, former ...Area) (*Index, error) {
	x := &Index{
		areas:    slices.Clone(areas),
		shapes:   make([]*shape, len(areas)),
		spots:    make([]spot, len(areas)),
		byCode:   make(map[string]int32, len(areas)),
		children: make(map[string][]int32),
		former:   make(map[string]Area, len(former)),
	}
	var grids [][]int32 // by district
	slices.SortFunc(x.areas, func(a, b Area) int { return strings.Compare(a.Code, b.Code) })
	for i := range x.areas {
		a := &x.areas[i]
		if err := a.checkCodes(); err != nil {
			return nil, err
		}
		if _, dup := x.byCode[a.Code]; dup {
			return nil, fault.Invalid("/areas/"+a.Code+"/code", "编码 %s 重复", a.Code)
		}
		at, s := int32(i), a.Polygon.s
		x.shapes[i], x.byCode[a.Code] = s, at
		if a.Level != LevelDistrict {
			x.children[a.Parent] = append(x.children[a.Parent], at)
		}
		switch {
		case a.Level == LevelDistrict && s != nil:
			x.districts.add(s, at)
		case a.Level == LevelGrid && a.Kind == KindUnit:
			whole := x.placeOf(a) // parents sort before their parts and are already known
			if n := len(x.wholes); n == 0 || x.wholes[n-1].CommunityCode != whole.CommunityCode {
				x.wholes = append(x.wholes, whole)
			}
			x.spots[i] = spot{a.Code, a.Name, a.LandUse, a.Version, int32(len(x.wholes) - 1), a.Approx}
			if n := len(grids); n == 0 || x.areas[grids[n-1][0]].District != a.District {
				grids = append(grids, nil)
			}
			grids[len(grids)-1] = append(grids[len(grids)-1], at)
		}
	}
	x.outlines = make([]ring, len(areas))
	for _, district := range grids {
		x.rasters = append(x.rasters, newRaster(x.shapes, district))
		for _, at := range district {
			if s := x.shapes[at]; len(s.polygons) == 1 && len(s.polygons[0]) == 1 {
				x.outlines[at] = s.polygons[0][0]
			}
		}
	}
	for i := range former {
		if _, again := x.byCode[former[i].Code]; !again {
			x.former[former[i].Code] = former[i]
		}
	}
	return x, nil
}

func (x *Index) placeOf(a *Area) Place {
	p := Place{
		GridCode: a.Code, GridName: a.Name, LandUse: a.LandUse, Approx: a.Approx, GridVersion: a.Version,
		CommunityCode: a.Code[:12], StreetCode: a.Code[:9], DistrictCode: a.Code[:6],
	}
	p.CommunityName, p.StreetName, p.DistrictName = x.name(p.CommunityCode), x.name(p.StreetCode), x.name(p.DistrictCode)
	return p
}

func (x *Index) name(code string) string {
	if at, ok := x.byCode[code]; ok {
		return x.areas[at].Name
	}
	return x.former[code].Name
}

// Locate finds the unit grid that holds the WGS-84 point; false when none does, also where only a community or
// district is known. A point on a shared edge or vertex, to 1e-7 degree, belongs to the lowest code; the
// outer border is inside. It allocates nothing.
func (x *Index) Locate(p Point) (Place, bool) {
	if at := x.lowestGrid(p); at >= 0 {
		return x.place(at), true
	}
	return Place{}, false
}

func (x *Index) place(at int32) Place {
	s := &x.spots[at]
	p := x.wholes[s.whole]
	p.GridCode, p.GridName, p.LandUse, p.GridVersion, p.Approx = s.code, s.name, s.landUse, s.version, s.approx
	return p
}

// lowestGrid asks the district whose raster holds the point; where outlines of districts lap over each other, the lowest code.
func (x *Index) lowestGrid(p Point) int32 {
	if p.Validate() != nil {
		return -1
	}
	v := snap(p)
	for _, r := range x.rasters { // in order of code
		if at := r.lowest(x, v); at >= 0 {
			return at
		}
	}
	return -1
}

// LocateDistrict finds the district whose outline holds the WGS-84 point, for the hint of an OUT_OF_AREA answer.
func (x *Index) LocateDistrict(p Point) (code, name string, ok bool) {
	if at := x.lowest(&x.districts, p); at >= 0 {
		return x.areas[at].Code, x.areas[at].Name, true
	}
	return "", "", false
}

// lowest is the least position, and so the lowest code, whose shape holds p; -1 for none.
func (x *Index) lowest(t *tree, p Point) int32 {
	if p.Validate() != nil {
		return -1
	}
	v, best := snap(p), int32(-1)
	at := [2]float64{float64(v.x), float64(v.y)}
	t.Search(at, at, func(_, _ [2]float64, i int32) bool {
		if (best < 0 || i < best) && x.shapes[i].holds(v) {
			best = i
		}
		return true
	})
	return best
}

// Len is the number of areas.
func (x *Index) Len() int { return len(x.areas) }

// ByCode returns the area with this code. Its Polygon is shared and must not be changed.
func (x *Index) ByCode(code string) (Area, bool) {
	at, ok := x.byCode[code]
	if !ok {
		return Area{}, false
	}
	return x.areas[at], true
}

// Children lists the areas directly below a code, by code.
func (x *Index) Children(parent string) []Area {
	list := make([]Area, 0, len(x.children[parent]))
	for _, at := range x.children[parent] {
		list = append(list, x.areas[at])
	}
	return list
}

// Neighbours lists, by code, the unit grids that share an edge or a corner with the given unit grid.
func (x *Index) Neighbours(code string) []Area {
	at, ok := x.byCode[code]
	if !ok || x.spots[at].code == "" {
		return nil
	}
	var found []int32
	s, seen := x.shapes[at], map[int32]bool{at: true}
	for _, r := range x.rasters {
		r.near(s.low, s.top, func(i int32) {
			if !seen[i] {
				seen[i] = true
				if s.touches(x.shapes[i]) {
					found = append(found, i)
				}
			}
		})
	}
	slices.Sort(found)
	list := make([]Area, len(found))
	for i, at := range found {
		list[i] = x.areas[at]
	}
	return list
}

// Centre is the middle of an area's bounding box: where something is shown whose exact place is nobody's business, or
// is not known. It may lie outside of the area. False for an area without a polygon.
func (x *Index) Centre(code string) (Point, bool) {
	s := x.former[code].Polygon.s
	if at, ok := x.byCode[code]; ok {
		s = x.shapes[at]
	}
	if s == nil {
		return Point{}, false
	}
	return s.middle().point(), true
}

// Former describes a unit grid that has ended: cases that were located in it still stand on it. False for one in force.
func (x *Index) Former(code string) (Place, bool) {
	a, ok := x.former[code]
	if !ok || a.Level != LevelGrid || a.Kind != KindUnit {
		return Place{}, false
	}
	return x.placeOf(&a), true
}

// Place describes a unit grid by its code; false when there is none in force.
func (x *Index) Place(code string) (Place, bool) {
	at, ok := x.byCode[code]
	if !ok || x.spots[at].code != code {
		return Place{}, false
	}
	return x.place(at), true
}

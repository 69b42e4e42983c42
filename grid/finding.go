package grid

import (
	"cmp"
	"fmt"
	"slices"
)

// The findings of an import, by their code. What may be mended with repair, what may be accepted knowingly, and what only warns
// stands in findingKinds; everything else must be mended in the file.
const (
	FindRingOpen      = "RING_OPEN"         // the last corner is not the first one
	FindRingTurn      = "RING_TURN"         // an outer ring turns clockwise or a hole counter-clockwise (RFC 7946)
	FindDuplicate     = "DUPLICATE_VERTEX"  // the same corner twice in a row
	FindSpike         = "SPIKE"             // the line goes out and back on itself
	FindRingShort     = "RING_SHORT"        // fewer than three different corners
	FindRingFlat      = "RING_FLAT"         // no surface
	FindCrossing      = "SELF_CROSSING"     // two edges of one polygon cross
	FindTouch         = "SELF_TOUCH"        // a ring meets itself
	FindHoleOutside   = "HOLE_OUTSIDE"      // a hole outside of its outer ring, or within another hole
	FindPartsOverlap  = "PARTS_OVERLAP"     // parts of a MultiPolygon lie on each other
	FindGeometry      = "INVALID_GEOMETRY"  // any other fault of the form
	FindComplex       = "TOO_COMPLEX"       // too many edges beside each other to be checked in time
	FindCoordinate    = "COORDINATES"       // not degrees
	FindSwapped       = "LATLON_SWAPPED"    // latitude stands before longitude
	FindNoGround      = "NO_GROUND"         // a grid without a polygon
	FindCode          = "CODE_MALFORMED"    // not 6, 9, 12 or 15 digits, or not of the level
	FindCodeTwice     = "CODE_DUPLICATE"    // the code was given before in the file
	FindForeign       = "FOREIGN_DISTRICT"  // the code belongs to another district
	FindKind          = "KIND_UNKNOWN"      // not unit, duty, micro or special
	FindName          = "NAME_MISSING"      // no name, and none is known
	FindParent        = "PARENT_MISSING"    // the area one level up is neither in the file nor in force
	FindOverlap       = "OVERLAP"           // two areas of a level lie on each other
	FindGap           = "GAP"               // ground between areas that belongs to none
	FindSliver        = "SLIVER"            // a gap or an overlap narrower than a metre
	FindOutsideParent = "OUTSIDE_PARENT"    // an area leaves the area one level up
	FindDatum         = "DATUM_SUSPECT"     // the file fits much better in another datum
	FindPlanned       = "PLANNED_VERSION"   // a later version of this code is planned already
	FindNoReference   = "NO_REFERENCE"      // nothing to compare the datum with
	FindNotFilled     = "PARENT_NOT_FILLED" // the parts leave much of the whole uncovered
)

type findingKind struct{ repairable, acceptable, warning bool }

var findingKinds = map[string]findingKind{
	FindRingOpen: {repairable: true}, FindRingTurn: {repairable: true}, FindDuplicate: {repairable: true}, FindSpike: {repairable: true}, FindSliver: {repairable: true, acceptable: true},
	FindOverlap: {acceptable: true}, FindGap: {acceptable: true}, FindOutsideParent: {acceptable: true}, FindDatum: {acceptable: true}, FindPlanned: {acceptable: true},
	FindNoReference: {warning: true}, FindNotFilled: {warning: true},
}

// Finding is one thing that an import has to say: which feature (index in the file from 0, -1: the whole file), which code, where.
type Finding struct {
	Code     string   `json:"code"`
	Feature  int      `json:"feature"`
	Area     string   `json:"area,omitempty"`
	Other    string   `json:"other,omitempty"`   // the neighbour or parent it is about
	Pointer  string   `json:"pointer,omitempty"` // RFC 6901, into the file
	Lon      *float64 `json:"lon,omitempty"`     // WGS-84, where the place is known
	Lat      *float64 `json:"lat,omitempty"`
	Detail   string   `json:"detail"`
	Repaired bool     `json:"repaired,omitempty"`
	Accepted bool     `json:"accepted,omitempty"`
	Warning  bool     `json:"warning,omitempty"`
}

// blocks tells whether the finding refuses the file.
func (f *Finding) blocks() bool { return !f.Repaired && !f.Accepted && !f.Warning }

// maxListed is how many findings of one code a report lists; the rest is counted.
const maxListed = 50

// findings collects; it lists the first of each code and counts all.
type findings struct {
	list     []Finding
	counts   map[string]int
	repair   bool
	accept   []string
	blocking int
}

func newFindings(repair bool, accept []string) *findings {
	return &findings{counts: map[string]int{}, repair: repair, accept: accept}
}

// add files one finding; whether it was repaired, its finder says.
func (l *findings) add(f Finding) {
	kind := findingKinds[f.Code]
	f.Warning = kind.warning
	f.Accepted = kind.acceptable && !f.Repaired && slices.Contains(l.accept, f.Code)
	if f.blocks() {
		l.blocking++
	}
	if l.counts[f.Code]++; l.counts[f.Code] <= maxListed {
		l.list = append(l.list, f)
	}
}

// sorted lists what blocks first, then by feature.
func (l *findings) sorted() []Finding {
	rank := func(f *Finding) int {
		if f.blocks() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(l.list, func(a, b Finding) int { return cmp.Or(rank(&a)-rank(&b), a.Feature-b.Feature) })
	return l.list
}

// at puts a place into a finding.
func (f Finding) at(v vertex) Finding {
	p := v.point()
	f.Lon, f.Lat = &p.Lon, &p.Lat
	return f
}

// mendable says how a blocking finding is dealt with, for the text of the refusal.
func mendable(code string) string {
	switch kind := findingKinds[code]; {
	case kind.repairable:
		return "加 --repair 可自动修复"
	case kind.acceptable:
		return fmt.Sprintf("确认无误可加 --accept=%s", code)
	}
	return "请修改文件"
}

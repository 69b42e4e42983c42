package grid

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// batch is a file while it is checked.
type batch struct {
	found    *findings
	district string
	list     []*candidate
	byCode   map[string]*candidate
	features int
	corners  int
}

func (b *batch) read(file io.Reader, given Datum) error {
	f := newMapFile(file)
	return f.each(func(raw *rawFeature) error {
		d, err := fileDatum(f.datum, given)
		if err != nil {
			return err
		}
		c := &candidate{feature: b.features}
		b.features++
		b.corners += len(raw.positions)
		good := b.code(c, raw)
		c.read(raw, d, b.found)
		if good {
			b.list = append(b.list, c)
			b.byCode[c.Code] = c
		}
		return nil
	})
}

// fileDatum is the file's own datum, else the given one, else WGS-84; when both are given they must agree.
func fileDatum(name string, given Datum) (Datum, error) {
	return featureFile{Datum: crsName(name)}.datum(given)
}

// code checks the code of a feature and fills the candidate's area.
func (b *batch) code(c *candidate, raw *rawFeature) bool {
	p := raw.properties
	code := strings.Trim(string(p.Code), `" `)
	c.head = fmt.Sprintf("（编码 %.20s）", code)
	c.Area = Area{District: b.district, Code: code, Level: LevelOf(code), Kind: p.Kind, Name: strings.TrimSpace(p.Name), Parent: ParentOf(code), LandUse: p.LandUse, Approx: p.Approx, Version: 1}
	const pointer = "/properties/code"
	switch {
	case code == "" || c.Level == "":
		b.found.add(c.finding(FindCode, pointer, "编码应为 6、9、12 或 15 位数字（区、街道、社区、网格）"))
	case p.Level != "" && p.Level != c.Level:
		b.found.add(c.finding(FindCode, pointer, "编码有 %d 位，与层级 %.20s 不符", len(code), p.Level))
	case code[:6] != b.district:
		b.found.add(c.finding(FindForeign, pointer, "编码属于 %s，本次导入的是 %s", code[:6], b.district))
	case c.Level != LevelDistrict && strings.HasSuffix(code, "000"):
		b.found.add(c.finding(FindCode, pointer, "编码的末三位是 000，表示整个上级，不能用作下级编码"))
	case b.byCode[code] != nil:
		b.found.add(c.finding(FindCodeTwice, pointer, "编码与第 %d 个要素重复", b.byCode[code].feature+1))
	case c.Level == LevelGrid && !slices.Contains([]string{"", KindUnit, KindDuty, KindMicro, KindSpecial}, p.Kind):
		b.found.add(c.finding(FindKind, "/properties/kind", "网格类型 %.20s 不存在，只能是 unit、duty、micro 或 special", p.Kind))
	default:
		return true
	}
	return false
}

// plan turns the file into versions that begin and end.
func (b *batch) plan(c *change, r *Report) {
	at, planned := c.standing()
	for _, n := range b.list {
		old := at[n.Code]
		if old != nil && len(planned[n.Code]) == 0 && n.same(old) {
			r.Unchanged++
			continue
		}
		if old != nil {
			r.Changed++
			r.ended(c.stops(old))
		} else {
			r.Added++
		}
		for _, p := range planned[n.Code] {
			if p != old {
				r.ended(c.stops(p))
			}
		}
		r.begun(c.starts(n.Area))
	}
}

// same tells whether the file says nothing new about the area.
func (n *candidate) same(old *Area) bool {
	return n.Name == old.Name && n.Kind == old.Kind && n.LandUse == old.LandUse && n.Approx == old.Approx && sameGround(n.s, old.Polygon.s)
}

// sameGround compares two shapes ring by ring; where a ring begins does not matter.
func sameGround(a, b *shape) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.polygons, b.polygons, func(x, y []ring) bool { return slices.EqualFunc(x, y, sameRing) })
}

func sameRing(a, b ring) bool {
	if len(a) != len(b) {
		return false
	}
	turns := (a.twiceArea() > 0) == (b.twiceArea() > 0)
	at := slices.Index(b, a[0])
	if at < 0 {
		return false
	}
	for i, v := range a {
		k := (at + i) % len(b)
		if !turns {
			k = (at - i + len(b)) % len(b)
		}
		if b[k] != v {
			return false
		}
	}
	return true
}

package grid

// What a file looks like when its datum was mistaken: read in another one it suddenly fits the outlines that are known.

// outsideShare is the share of corners that has to lie outside of the known outlines before a file is suspected, and by how much a
// better reading must beat it.
const (
	outsideShare = 0.05
	betterBy     = 4
	mostSamples  = 20_000
)

// reading is a way in which the corners of a file may have been meant.
type reading struct {
	name string
	as   func(Point) Point
}

var readings = []reading{
	{"若按 GCJ02（高德、腾讯）读入", func(p Point) Point { return ToWGS84(p, GCJ02) }},
	{"若按 BD09（百度）读入", func(p Point) Point { return ToWGS84(p, BD09) }},
	{"若撤销一次 GCJ02 换算（文件可能本来就是 WGS84）", func(p Point) Point { return FromWGS84(p, GCJ02) }},
	{"若撤销一次 BD09 换算（文件可能本来就是 WGS84）", func(p Point) Point { return FromWGS84(p, BD09) }},
}

// measured is a shape with the outline that should hold it.
type measured struct {
	s       *shape
	outline *strips
}

// misread compares the share of corners outside of their outlines under every reading. better is "" when nothing is suspicious.
func misread(list []measured) (better string, asGiven, asBetter float64) {
	total := 0
	for _, m := range list {
		total += Polygon{m.s}.Vertices()
	}
	if total == 0 {
		return "", 0, 0
	}
	step := total/mostSamples + 1
	share := func(as func(Point) Point) float64 {
		seen, outside, n := 0, 0, 0
		for _, m := range list {
			for _, rings := range m.s.polygons {
				for _, r := range rings {
					for _, v := range r {
						if n++; n%step != 0 {
							continue
						}
						seen++
						if as != nil {
							v = snap(as(v.point()))
						}
						if !m.outline.about(v) {
							outside++
						}
					}
				}
			}
		}
		return float64(outside) / float64(max(seen, 1))
	}
	asGiven, asBetter = share(nil), 1
	if asGiven < outsideShare {
		return "", asGiven, asGiven
	}
	for _, r := range readings {
		if got := share(r.as); got < asBetter {
			better, asBetter = r.name, got
		}
	}
	if asBetter*betterBy > asGiven {
		return "", asGiven, asGiven
	}
	return better, asGiven, asBetter
}

// about tells whether v lies in the shape or within a sliver's width of it.
func (x *strips) about(v vertex) bool { return x.within(v, sliverWidth) }

// within tells the same for d units, looking in eight directions.
func (x *strips) within(v vertex, d int32) bool {
	if x.holds(v) {
		return true
	}
	if !x.s.near(v, d) {
		return false
	}
	for _, o := range [8][2]int32{{d, 0}, {-d, 0}, {0, d}, {0, -d}, {d * 7 / 10, d * 7 / 10}, {-d * 7 / 10, d * 7 / 10}, {d * 7 / 10, -d * 7 / 10}, {-d * 7 / 10, -d * 7 / 10}} {
		if x.holds(vertex{v.x + o[0], v.y + o[1]}) {
			return true
		}
	}
	return false
}

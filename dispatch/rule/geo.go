package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// area is a circle or a ring in WGS-84 degrees.
type area struct {
	lon, lat, m float64
	ring        [][2]float64
}

func parseArea(v any) (area, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return area{}, errors.New("不是有效的区域")
	}
	var in struct {
		Lon  *float64     `json:"lon"`
		Lat  *float64     `json:"lat"`
		M    *float64     `json:"m"`
		Ring [][2]float64 `json:"ring"`
	}
	if err := strictJSON(raw, &in); err != nil {
		return area{}, errors.New("不是有效的区域")
	}
	if in.Ring != nil {
		if in.Lon != nil || in.Lat != nil || in.M != nil || len(in.Ring) < 3 || len(in.Ring) > 2000 {
			return area{}, errors.New("多边形需要 3–2000 个点")
		}
		for _, p := range in.Ring {
			if !onEarth(p[0], p[1]) {
				return area{}, errors.New("坐标超出范围")
			}
		}
		return area{ring: in.Ring}, nil
	}
	if in.Lon == nil || in.Lat == nil || in.M == nil || !onEarth(*in.Lon, *in.Lat) || *in.M <= 0 || *in.M > 50_000 {
		return area{}, errors.New("半径应为 0–50000 米")
	}
	return area{lon: *in.Lon, lat: *in.Lat, m: *in.M}, nil
}

func onEarth(lon, lat float64) bool { return math.Abs(lon) <= 180 && math.Abs(lat) <= 85 }

// holds reports whether the point lies inside; the circle includes its edge. Circles use the
// equirectangular distance (mean earth radius 6,371,008.8 m, IUGG), good to 0.1 % at these sizes;
// rings the even-odd rule.
func (a area) holds(lon, lat float64) bool {
	if a.ring == nil {
		return a.distance(area{lon: lon, lat: lat}) <= a.m
	}
	in := false
	for i, j := 0, len(a.ring)-1; i < len(a.ring); j, i = i, i+1 {
		p, q := a.ring[i], a.ring[j]
		if (p[1] > lat) != (q[1] > lat) && lon < (q[0]-p[0])*(lat-p[1])/(q[1]-p[1])+p[0] {
			in = !in
		}
	}
	return in
}

// distance of two centres in metres.
func (a area) distance(b area) float64 {
	const r = 6_371_008.8
	x := (b.lon - a.lon) * math.Pi / 180 * math.Cos((b.lat+a.lat)/2*math.Pi/180)
	y := (b.lat - a.lat) * math.Pi / 180
	return r * math.Hypot(x, y)
}

// metres is the size used to prefer the narrower area.
func (a area) metres() float64 {
	if a.ring == nil {
		return a.m
	}
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range a.ring {
		for k := range 2 {
			lo[k], hi[k] = math.Min(lo[k], p[k]), math.Max(hi[k], p[k])
		}
	}
	return math.Hypot(hi[0]-lo[0], hi[1]-lo[1]) * 111_195 / 2
}

func (a area) String() string {
	if a.ring != nil {
		return fmt.Sprintf("%d 边形", len(a.ring))
	}
	return fmt.Sprintf("%.5f,%.5f 周边 %g 米", a.lon, a.lat, a.m)
}

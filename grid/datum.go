package grid

import (
	"math"
	"strings"

	"yixian/internal/fault"
)

// Datum says what a pair of degrees refers to.
type Datum string

// The datums that are understood. CGCS2000 (EPSG:4490) differs from WGS-84 by centimetres and is read as WGS84.
const (
	WGS84 Datum = "WGS84" // GPS, photos' EXIF, everything inside Yixian
	GCJ02 Datum = "GCJ02" // AMap, Tencent, WeChat
	BD09  Datum = "BD09"  // Baidu
)

// ParseDatum reads a datum's name in any case, with or without a hyphen. An empty name is an error on
// purpose: a point whose datum was forgotten must never be taken for something.
func ParseDatum(name string) (Datum, error) {
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "WGS84", "WGS-84", "EPSG:4326", "CRS84", "CGCS2000", "EPSG:4490":
		return WGS84, nil
	case "GCJ02", "GCJ-02":
		return GCJ02, nil
	case "BD09", "BD-09":
		return BD09, nil
	case "":
		return "", fault.Invalid("/point/datum", "必须注明坐标系：WGS84、GCJ02 或 BD09")
	}
	return "", fault.Invalid("/point/datum", "不认识这个坐标系，可用 WGS84、GCJ02 或 BD09")
}

// Point is a place in degrees. Which datum it is in is said beside it; inside Yixian it is WGS-84.
type Point struct {
	Lon float64 `json:"lon"`
	Lat float64 `json:"lat"`
}

// Validate refuses NaN, infinities and degrees outside -180…180 and -90…90, naming the field.
func (p Point) Validate() error {
	if !(p.Lon >= -180 && p.Lon <= 180) { // written so that NaN fails too
		return fault.Invalid("/point/lon", "经度应在 -180 到 180 之间")
	}
	if !(p.Lat >= -90 && p.Lat <= 90) {
		return fault.Invalid("/point/lat", "纬度应在 -90 到 90 之间")
	}
	return nil
}

// EarthRadius is the mean radius R1 of the IUGG in metres.
const EarthRadius = 6371008.8

// Distance is the great-circle distance in metres by the haversine formula on a sphere of EarthRadius;
// against the ellipsoid it is wrong by at most 0.6 %.
func Distance(a, b Point) float64 {
	rad := math.Pi / 180
	sinLat := math.Sin((b.Lat - a.Lat) * rad / 2)
	sinLon := math.Sin((b.Lon - a.Lon) * rad / 2)
	h := sinLat*sinLat + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*sinLon*sinLon
	return 2 * EarthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}

// ToWGS84 converts a point of datum d. GCJ-02 has no closed inverse, so the forward formula is inverted
// by iteration to about 1e-11 degrees. Outside China every conversion is the identity.
func ToWGS84(p Point, d Datum) Point {
	switch d {
	case GCJ02:
		return invert(p, wgsToGCJ)
	case BD09:
		return invert(invert(p, gcjToBD), wgsToGCJ)
	}
	return p
}

// FromWGS84 converts a WGS-84 point to datum d, for a map that draws in d.
func FromWGS84(p Point, d Datum) Point {
	switch d {
	case GCJ02:
		return wgsToGCJ(p)
	case BD09:
		return gcjToBD(wgsToGCJ(p))
	}
	return p
}

// The Krasovsky 1940 ellipsoid, as in the published reconstruction of GCJ-02 (eviltransform, gcoord).
const (
	krasovskyA  = 6378245.0
	krasovskyEE = 0.00669342162296594323
	baiduPi     = math.Pi * 3000.0 / 180.0
)

// outsideChina is the rectangle that all public implementations use; the shift applies only within it.
func outsideChina(p Point) bool {
	return !(p.Lon >= 72.004 && p.Lon <= 137.8347 && p.Lat >= 0.8293 && p.Lat <= 55.8271)
}

func wgsToGCJ(p Point) Point {
	if outsideChina(p) {
		return p
	}
	x, y := p.Lon-105, p.Lat-35
	wave := func(v float64) float64 { return math.Sin(v * math.Pi) }
	short := (20*wave(6*x) + 20*wave(2*x)) * 2 / 3
	dLat := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) + short +
		(20*wave(y)+40*wave(y/3))*2/3 + (160*wave(y/12)+320*wave(y/30))*2/3
	dLon := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) + short +
		(20*wave(x)+40*wave(x/3))*2/3 + (150*wave(x/12)+300*wave(x/30))*2/3

	lat := p.Lat * math.Pi / 180
	magic := 1 - krasovskyEE*math.Sin(lat)*math.Sin(lat)
	root := math.Sqrt(magic)
	return Point{
		Lon: p.Lon + dLon*180/(krasovskyA/root*math.Cos(lat)*math.Pi),
		Lat: p.Lat + dLat*180/(krasovskyA*(1-krasovskyEE)/(magic*root)*math.Pi),
	}
}

func gcjToBD(p Point) Point {
	if outsideChina(p) {
		return p
	}
	z := math.Hypot(p.Lon, p.Lat) + 0.00002*math.Sin(p.Lat*baiduPi)
	theta := math.Atan2(p.Lat, p.Lon) + 0.000003*math.Cos(p.Lon*baiduPi)
	return Point{Lon: z*math.Cos(theta) + 0.0065, Lat: z*math.Sin(theta) + 0.006}
}

// invert finds the point that forward sends to p. Both shifts change by under 1 % of the distance moved,
// so each round gains at least two digits; ten rounds are far more than float64 can show.
func invert(p Point, forward func(Point) Point) Point {
	if outsideChina(p) {
		return p
	}
	guess := p
	for range 10 {
		got := forward(guess)
		dLon, dLat := p.Lon-got.Lon, p.Lat-got.Lat
		guess.Lon, guess.Lat = guess.Lon+dLon, guess.Lat+dLat
		if math.Abs(dLon)+math.Abs(dLat) < 1e-11 {
			break
		}
	}
	return guess
}

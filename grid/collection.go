package grid

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"yixian/internal/fault"
)

// Box is a rectangle in WGS-84 degrees.
type Box struct{ West, South, East, North float64 }

// World is the box that leaves nothing out.
var World = Box{-180, -90, 180, 90}

// ParseBox reads "minLon,minLat,maxLon,maxLat"; empty is World.
func ParseBox(text string) (Box, error) {
	if text == "" {
		return World, nil
	}
	parts := strings.Split(text, ",")
	var n [4]float64
	for i := range n {
		if len(parts) != 4 {
			return Box{}, fault.Invalid("/bbox", "应为 minLon,minLat,maxLon,maxLat")
		}
		var err error
		if n[i], err = strconv.ParseFloat(strings.TrimSpace(parts[i]), 64); err != nil {
			return Box{}, fault.Invalid("/bbox", "第 %d 个数不是数字", i+1)
		}
	}
	b := Box{n[0], n[1], n[2], n[3]}
	if (Point{b.West, b.South}).Validate() != nil || (Point{b.East, b.North}).Validate() != nil ||
		b.West > b.East || b.South > b.North {
		return Box{}, fault.Invalid("/bbox", "范围应为 minLon,minLat,maxLon,maxLat，且不超出经纬度范围")
	}
	return b, nil
}

type outFeature struct {
	Type       string        `json:"type"`
	ID         string        `json:"id"`
	Properties outProperties `json:"properties"`
	Geometry   Polygon       `json:"geometry"`
}

type outProperties struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Level   string `json:"level"`
	Kind    string `json:"kind,omitempty"`
	Parent  string `json:"parent,omitempty"`
	LandUse string `json:"land_use,omitempty"`
	Version int    `json:"version"`
	Approx  bool   `json:"approx"`
	Notice  string `json:"notice,omitempty"`
}

// GeoJSON writes the areas of one district (empty: of all) and level whose bounding box meets the box, by
// code, as a FeatureCollection in WGS-84, with a strong ETag of its bytes. Areas without a polygon have
// geometry null and are listed only for World. An unknown level is a fault.
func (x *Index) GeoJSON(district, level string, box Box) (body []byte, etag string, err error) {
	if CodeLength(level) == 0 {
		return nil, "", fault.Invalid("/level", "层级只能是 district、street、community 或 grid")
	}
	low, top := snap(Point{box.West, box.South}), snap(Point{box.East, box.North})
	features := []outFeature{}
	for i := range x.areas {
		a, s := &x.areas[i], x.shapes[i]
		switch {
		case a.Level != level || district != "" && a.District != district:
			continue
		case s == nil && box != World:
			continue
		case s != nil && (s.low.x > top.x || s.top.x < low.x || s.low.y > top.y || s.top.y < low.y):
			continue
		}
		features = append(features, outFeature{"Feature", a.Code, a.properties(), a.Polygon})
	}
	body, err = json.Marshal(struct {
		Type     string       `json:"type"`
		Features []outFeature `json:"features"`
	}{"FeatureCollection", features})
	if err != nil {
		return nil, "", fmt.Errorf("write GeoJSON: %w", err)
	}
	sum := sha256.Sum256(body)
	return body, `"` + hex.EncodeToString(sum[:16]) + `"`, nil
}

func (a *Area) properties() outProperties {
	p := outProperties{a.Code, a.Name, a.Level, a.Kind, a.Parent, a.LandUse, a.Version, a.Approx, ""}
	if a.Approx {
		p.Notice = ApproxNotice
	}
	return p
}

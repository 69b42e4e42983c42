package grid

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"yixian/internal/fault"
)

// parseGeometry reads a GeoJSON Polygon or MultiPolygon (RFC 7946) given in datum d. An absent or null
// geometry is nil. Errors point to the coordinate, e.g. /coordinates/0/4.
func parseGeometry(raw json.RawMessage, d Datum) (*shape, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var g struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		return nil, fault.Invalid("", "几何不是有效的 GeoJSON").Because(err)
	}
	var nested [][][][]float64
	var err error
	switch g.Type {
	case "Polygon":
		var one [][][]float64
		err = json.Unmarshal(g.Coordinates, &one)
		nested = [][][][]float64{one}
	case "MultiPolygon":
		err = json.Unmarshal(g.Coordinates, &nested)
	default:
		return nil, fault.Invalid("/type", "几何类型只能是 Polygon 或 MultiPolygon")
	}
	// A null would silently be read as zero degrees, a place off Africa.
	if err != nil || bytes.Contains(g.Coordinates, []byte("null")) {
		return nil, fault.Invalid("/coordinates", "坐标应为数字数组").Because(err)
	}
	if len(nested) == 0 {
		return nil, fault.Invalid("/coordinates", "几何是空的")
	}
	polygons := make([][]ring, len(nested))
	for i, lines := range nested {
		pointer := "/coordinates"
		if g.Type == "MultiPolygon" {
			pointer = fmt.Sprintf("/coordinates/%d", i)
		}
		if polygons[i], err = readRings(lines, d, pointer); err != nil {
			return nil, err
		}
	}
	s := newShape(polygons)
	if int64(s.top.x)-int64(s.low.x) > 180*units {
		return nil, fault.Invalid("/coordinates", "几何的经度跨度超过 180 度")
	}
	return s, nil
}

func readRings(lines [][][]float64, d Datum, pointer string) ([]ring, error) {
	if len(lines) == 0 {
		return nil, fault.Invalid(pointer, "多边形没有环")
	}
	rings := make([]ring, len(lines))
	for i, line := range lines {
		here := fmt.Sprintf("%s/%d", pointer, i)
		if len(line) < 4 {
			return nil, fault.Invalid(here, "环只有 %d 个坐标，闭合的环至少要 4 个", len(line))
		}
		for j, position := range line {
			if len(position) < 2 || len(position) > 4 {
				return nil, fault.Invalid(fmt.Sprintf("%s/%d", here, j), "坐标应为 [经度, 纬度]")
			}
			p := Point{position[0], position[1]}
			if err := p.Validate(); err != nil {
				return nil, fault.Invalid(fmt.Sprintf("%s/%d", here, j), "坐标 [%v, %v] 超出范围", p.Lon, p.Lat).Because(err)
			}
			rings[i] = append(rings[i], snap(ToWGS84(p, d)))
		}
		last := len(line) - 1
		if line[0][0] != line[last][0] || line[0][1] != line[last][1] {
			return nil, fault.Invalid(fmt.Sprintf("%s/%d", here, last), "环没有闭合：最后一个坐标应与第一个相同")
		}
		rings[i] = slices.Compact(rings[i])
		rings[i] = rings[i][:len(rings[i])-1]
		if len(rings[i]) < 3 {
			return nil, fault.Invalid(here, "环没有面积")
		}
	}
	return rings, nil
}

// geoJSON writes the shape back: a Polygon, or a MultiPolygon of several, null for nil. Rings turn as
// RFC 7946 wants: outer counter-clockwise, holes clockwise.
func (s *shape) geoJSON() json.RawMessage {
	if s == nil {
		return json.RawMessage("null")
	}
	if len(s.polygons) == 1 {
		return append(appendPolygon([]byte(`{"type":"Polygon","coordinates":`), s.polygons[0]), '}')
	}
	b := []byte(`{"type":"MultiPolygon","coordinates":[`)
	for i, rings := range s.polygons {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPolygon(b, rings)
	}
	return append(b, ']', '}')
}

func appendPolygon(b []byte, rings []ring) []byte {
	for i, r := range rings {
		b = append(b, "[,"[min(i, 1)], '[')
		if (r.twiceArea() > 0) != (i == 0) {
			r = slices.Clone(r)
			slices.Reverse(r)
		}
		for _, v := range r {
			b = append(appendVertex(append(b, '['), v), ']', ',')
		}
		b = append(appendVertex(append(b, '['), r[0]), ']', ']')
	}
	return append(b, ']')
}

package grid

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"yixian/internal/fault"
)

// Limits of one map file. A country of 8,500 polygons and 860,000 corners takes 40 MB; a city of 100,000 grids of 60 corners 170 MB.
const (
	MaxMapBytes    = 512 << 20
	MaxMapFeatures = 200_000
	MaxMapCorners  = 8_000_000
	maxDepth       = 32      // of nested JSON; a MultiPolygon in a FeatureCollection needs 8
	maxToken       = 1 << 20 // bytes of one text or number, blanks before it included
)

// rawFeature is one feature as the file has it, corners still in the file's datum.
type rawFeature struct {
	properties properties
	kind       string // "type" of the geometry; "" when the geometry is null or absent
	positions  []Point
	rings      []int // where each ring ends in positions
	polygons   []int // where each polygon ends in rings
	depth      int   // of the positions within "coordinates": 3 for a Polygon, 4 for a MultiPolygon
}

// mapFile reads a FeatureCollection feature by feature: what lies in memory is one feature, whatever the file's size. All its
// errors are faults with a code: ENCODING, NOT_GEOJSON, TOO_LARGE, TOO_DEEP, COORDINATES.
type mapFile struct {
	raw     *meteredReader
	dec     *json.Decoder
	depth   int
	corners int
	datum   string // as the file names it
	count   int
}

func newMapFile(r io.Reader) *mapFile {
	m := &meteredReader{from: bufio.NewReaderSize(r, 64<<10)}
	return &mapFile{raw: m, dec: json.NewDecoder(m)}
}

// each calls take for every feature. Other members than type, datum, crs and features are passed over.
func (f *mapFile) each(take func(*rawFeature) error) error {
	if err := f.raw.begin(); err != nil {
		return err
	}
	if err := f.open('{', ""); err != nil {
		return err
	}
	kind, seen := "", false
	err := f.members("", func(name, here string) error {
		var err error
		switch name {
		case "type":
			kind, err = f.text(here)
		case "datum":
			err = f.name(&f.datum, here)
		case "crs":
			err = f.crs(here)
		case "features":
			seen = true
			if err = f.open('[', here); err == nil {
				err = f.elements(here, func(here string) error { return f.feature(here, take) })
			}
		default:
			err = f.skip(here)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case kind != "FeatureCollection" || !seen:
		return fault.Invalid("/type", "应为 FeatureCollection，并含 features").Coded("NOT_GEOJSON")
	}
	if _, err := f.dec.Token(); !errors.Is(err, io.EOF) {
		return f.failed(err, "")
	}
	return nil
}

// name takes the datum; it must stand before the features that are read by it.
func (f *mapFile) name(into *string, here string) error {
	text, err := f.text(here)
	if err == nil && f.count > 0 {
		return fault.Invalid(here, "坐标系 datum 或 crs 应写在 features 之前").Coded("NOT_GEOJSON")
	}
	*into = text
	return err
}

func (f *mapFile) crs(here string) error {
	t, err := f.token(here)
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('{') {
		return f.wrong(here, "crs 应为对象")
	}
	return f.members(here, func(name, here string) error {
		if name != "properties" {
			return f.skip(here)
		}
		if err := f.open('{', here); err != nil {
			return err
		}
		return f.members(here, func(name, here string) error {
			if name != "name" || f.datum != "" {
				return f.skip(here)
			}
			return f.name(&f.datum, here)
		})
	})
}

func (f *mapFile) feature(here string, take func(*rawFeature) error) error {
	if f.count++; f.count > MaxMapFeatures {
		return fault.New(413, "TOO_LARGE", "要素超过 %d 个，请分批导入", MaxMapFeatures).At(here, "从这里起未读取")
	}
	if err := f.open('{', here); err != nil {
		return err
	}
	var raw rawFeature
	err := f.members(here, func(name, here string) error {
		switch name {
		case "properties":
			return f.properties(&raw.properties, here)
		case "geometry":
			return f.geometry(&raw, here)
		}
		return f.skip(here)
	})
	if err != nil {
		return err
	}
	return take(&raw)
}

func (f *mapFile) properties(p *properties, here string) error {
	t, err := f.token(here)
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('{') {
		return f.wrong(here, "properties 应为对象")
	}
	return f.members(here, func(name, here string) error {
		var text *string
		switch name {
		case "code":
			t, err := f.token(here)
			if err != nil {
				return err
			}
			switch v := t.(type) {
			case string:
				p.Code, _ = json.Marshal(v) // a string always encodes
			case json.Number:
				p.Code = json.RawMessage(v)
			case nil:
			default:
				return f.wrong(here, "code 应为文字或数字")
			}
			return nil
		case "approx":
			t, err := f.token(here)
			if err != nil {
				return err
			}
			v, ok := t.(bool)
			if !ok && t != nil {
				return f.wrong(here, "approx 应为 true 或 false")
			}
			p.Approx = v
			return nil
		case "name":
			text = &p.Name
		case "level":
			text = &p.Level
		case "kind":
			text = &p.Kind
		case "land_use":
			text = &p.LandUse
		default:
			return f.skip(here)
		}
		var err error
		*text, err = f.text(here)
		return err
	})
}

func (f *mapFile) geometry(raw *rawFeature, here string) error {
	t, err := f.token(here)
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('{') {
		return f.wrong(here, "geometry 应为对象")
	}
	raw.kind = "?"
	return f.members(here, func(name, here string) error {
		switch name {
		case "type":
			var err error
			raw.kind, err = f.text(here)
			return err
		case "coordinates":
			raw.positions, raw.rings, raw.polygons, raw.depth = nil, nil, nil, 0
			return f.coordinates(raw, here)
		}
		return f.skip(here)
	})
}

// coordinates reads nested arrays whatever the type says, for it may come later. The path of a wrong place is written only when
// it is needed.
func (f *mapFile) coordinates(raw *rawFeature, here string) error {
	path := []int{}
	at := func() string {
		b := []byte(here)
		for _, i := range path {
			b = fmt.Appendf(b, "/%d", i)
		}
		return string(b)
	}
	bad := func(why string) error {
		return fault.Invalid(at(), "第 %d 个要素：%s", f.count, why).Coded("COORDINATES")
	}
	if err := f.open('[', here); err != nil {
		return err
	}
	for depth := 1; depth > 0; {
		t, err := f.token(here)
		if err != nil {
			return err
		}
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '[':
				if depth++; depth > 4 {
					return bad("坐标嵌套过深，只支持 Polygon 和 MultiPolygon")
				}
				if len(path) < depth-1 {
					path = append(path, 0)
				}
			case ']':
				depth--
				path = path[:min(len(path), depth)]
				if raw.depth > 0 {
					if depth == raw.depth-2 {
						raw.rings = append(raw.rings, len(raw.positions))
					}
					if depth == raw.depth-3 {
						raw.polygons = append(raw.polygons, len(raw.rings))
					}
				}
				if depth > 0 && len(path) == depth {
					path[depth-1]++
				}
			default:
				return bad("坐标应为数字数组")
			}
		case json.Number:
			if raw.depth == 0 {
				raw.depth = depth
			}
			if depth != raw.depth {
				return bad("坐标应为 [经度, 纬度]，各处层数相同")
			}
			if err := f.position(raw, v, bad); err != nil {
				return err
			}
			depth-- // position has read the closing bracket
			path = path[:min(len(path), depth)]
			if depth > 0 && len(path) == depth {
				path[depth-1]++
			}
		default:
			return bad("坐标应为数字数组")
		}
	}
	return nil
}

// position reads the rest of [lon, lat, …] after its first number.
func (f *mapFile) position(raw *rawFeature, first json.Number, bad func(string) error) error {
	var n [4]float64
	count := 0
	for next := any(first); ; count++ {
		number, ok := next.(json.Number)
		if !ok {
			if next == json.Delim(']') {
				break
			}
			return bad("坐标应为 [经度, 纬度]")
		}
		v, err := number.Float64()
		if err != nil || count >= len(n) {
			return bad("坐标应为 [经度, 纬度]")
		}
		n[count] = v
		t, err := f.token("")
		if err != nil {
			return err
		}
		next = t
	}
	if count < 2 {
		return bad("坐标应为 [经度, 纬度]")
	}
	if f.corners++; f.corners > MaxMapCorners {
		return fault.New(413, "TOO_LARGE", "坐标超过 %d 个，请分批导入", MaxMapCorners)
	}
	raw.positions = append(raw.positions, Point{n[0], n[1]})
	return nil
}

package grid

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"yixian/internal/fault"
)

// MaxFileBytes is the largest GeoJSON file that is read; a city of 30,000 grids needs about 60 MB.
const MaxFileBytes = 96 << 20

// Feature is one area as a GeoJSON file gives it. Polygon is already WGS-84, whatever the file's datum.
type Feature struct {
	Code, Name, Level, Kind, LandUse string
	Approx                           bool
	Polygon                          Polygon
}

type featureFile struct {
	Type     string `json:"type"`
	Datum    string `json:"datum"`
	CRS      *crs   `json:"crs"`
	Features []struct {
		Type       string          `json:"type"`
		Properties properties      `json:"properties"`
		Geometry   json.RawMessage `json:"geometry"`
	} `json:"features"`
}

type crs struct {
	Properties struct {
		Name string `json:"name"`
	} `json:"properties"`
}

type properties struct {
	Code    json.RawMessage `json:"code"`
	Name    string          `json:"name"`
	Level   string          `json:"level"`
	Kind    string          `json:"kind"`
	LandUse string          `json:"land_use"`
	Approx  bool            `json:"approx"`
}

// ReadFeatures reads a FeatureCollection with the properties code (required, unique), name, level, kind,
// land_use and approx. The datum is the file's own ("datum" or "crs" beside "features"), else the given
// one, else WGS-84 as RFC 7946 says; when both are given they must agree. A refusal is a fault whose
// pointer names the feature and the coordinate, e.g. /features/2/geometry/coordinates/0/4.
func ReadFeatures(r io.Reader, given Datum) ([]Feature, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read GeoJSON: %w", err)
	}
	if len(data) > MaxFileBytes {
		return nil, fault.New(413, "TOO_LARGE", "文件超过 %d MB", MaxFileBytes>>20)
	}
	var file featureFile
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &file); err != nil {
		return nil, fault.Invalid("", "不是有效的 GeoJSON 文件").Because(err)
	}
	if file.Type != "FeatureCollection" {
		return nil, fault.Invalid("/type", "应为 FeatureCollection")
	}
	d, err := file.datum(given)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]int, len(file.Features))
	features := make([]Feature, len(file.Features))
	for i, f := range file.Features {
		pointer := fmt.Sprintf("/features/%d", i)
		code := strings.Trim(string(f.Properties.Code), `" `)
		if code == "" || code == "null" || strings.ContainsAny(code, `{["\`) {
			return nil, fault.Invalid(pointer+"/properties/code", "第 %d 个要素没有编码 code", i+1)
		}
		if first, dup := seen[code]; dup {
			return nil, fault.Invalid(pointer+"/properties/code", "第 %d 个要素的编码 %s 与第 %d 个重复", i+1, code, first+1)
		}
		seen[code] = i
		s, err := parseGeometry(f.Geometry, d)
		if err != nil {
			return nil, pointedAt(err, pointer+"/geometry")
		}
		features[i] = Feature{code, f.Properties.Name, f.Properties.Level, f.Properties.Kind,
			f.Properties.LandUse, f.Properties.Approx, Polygon{s}}
	}
	return features, nil
}

func (f featureFile) datum(given Datum) (Datum, error) {
	name := f.Datum
	if name == "" && f.CRS != nil {
		name = crsName(f.CRS.Properties.Name)
	}
	if name == "" {
		return cmp.Or(given, WGS84), nil
	}
	d, err := ParseDatum(name)
	if err != nil {
		return "", fault.Invalid("/datum", "文件的坐标系 %q 不支持，请先转换为 WGS84、GCJ02 或 BD09", name)
	}
	if given != "" && given != d {
		return "", fault.Invalid("/datum", "文件注明的坐标系 %s 与给出的 %s 不一致", d, given)
	}
	return d, nil
}

// crsName shortens urn:ogc:def:crs:OGC:1.3:CRS84 and urn:ogc:def:crs:EPSG::4490; other names stay.
func crsName(name string) string {
	parts := strings.Split(name, ":")
	if !strings.HasPrefix(name, "urn:") {
		return name
	}
	name = parts[len(parts)-1]
	if digits(name) {
		return "EPSG:" + name
	}
	return name
}

// Locator answers from one GeoJSON file, without a database.
type Locator struct{ features []Feature }

// ReadLocator reads a file for Locate; its features need nothing but a code and a polygon.
func ReadLocator(r io.Reader, given Datum) (*Locator, error) {
	features, err := ReadFeatures(r, given)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(features, func(a, b Feature) int { return strings.Compare(a.Code, b.Code) })
	return &Locator{features}, nil
}

// Locate returns the code of the feature that holds the WGS-84 point: the lower code on a shared edge,
// and of an area and its parts (350102, 350102001 …) the narrowest part.
func (l *Locator) Locate(p Point) (code string, ok bool) {
	if p.Validate() != nil {
		return "", false
	}
	v := snap(p)
	for i := range l.features {
		f := &l.features[i]
		// Sorted codes put a part right after its whole, so one pass finds the lowest and then narrows it.
		if (!ok || strings.HasPrefix(f.Code, code)) && f.Polygon.s.holds(v) {
			code, ok = f.Code, true
		}
	}
	return code, ok
}

package rule

import (
	"bytes"
	"encoding/json"
	"io"

	"yixian/internal/fault"
)

// Predicate is a typed condition tree as stored and edited:
//
//	{"op":"all","of":[…]}  {"op":"any","of":[…]}  {"op":"not","of":[x]}      all of nothing is true
//	{"op":"eq","var":"matter","value":"06010"}     {"op":"in","var":"land_use","value":["道路","广场"]}
//	{"op":"prefix","var":"grid","value":"350102"}  {"op":"gte","var":"level","value":2}   also lte
//	{"op":"exists","var":"component"}              {"op":"text_any","value":["燃气味","漏气"]}
//	{"op":"time_in","value":[22,6]}                hours from ≤ h < to, may pass midnight
//	{"op":"is_workday"} or with "value":false
//	{"op":"geo_within","value":{"lon":119.3,"lat":26.08,"m":50}} or {"ring":[[lon,lat],…]} (WGS-84)
//
// A condition on something unknown (no component, no answer) is false, and its not is true.
type Predicate struct {
	Op    string      `json:"op"`
	Var   string      `json:"var,omitempty"`
	Value any         `json:"value,omitempty"`
	Of    []Predicate `json:"of,omitempty"`
}

// Bounds that keep one rule readable and its evaluation short.
const (
	maxDepth      = 12
	maxConditions = 200
	maxJSON       = 64 << 10
)

// All is true when every part is.
func All(of ...Predicate) Predicate { return Predicate{Op: "all", Of: of} }

// Any is true when one part is.
func Any(of ...Predicate) Predicate { return Predicate{Op: "any", Of: of} }

// Not is true when p is not.
func Not(p Predicate) Predicate { return Predicate{Op: "not", Of: []Predicate{p}} }

// Eq compares a variable with one value.
func Eq(name string, value any) Predicate { return Predicate{Op: "eq", Var: name, Value: value} }

// In compares a variable with several values.
func In(name string, values ...any) Predicate { return Predicate{Op: "in", Var: name, Value: values} }

// Within is true when the case lies at most metres from the point (WGS-84 degrees).
func Within(lon, lat, metres float64) Predicate {
	return Predicate{Op: "geo_within", Value: map[string]any{"lon": lon, "lat": lat, "m": metres}}
}

// ParsePredicate reads a predicate strictly: an unknown member, operator, variable or type is refused (422 RULE_INVALID).
func ParsePredicate(b []byte) (Predicate, error) {
	var p Predicate
	if len(b) > maxJSON {
		return p, invalidRule("/when", "条件过长，最多 %d 字节", maxJSON)
	}
	if err := strictJSON(b, &p); err != nil {
		return p, invalidRule("/when", "条件不是有效的 JSON").Because(err)
	}
	if _, err := compilePredicate(p, "/when"); err != nil {
		return p, err
	}
	return p, nil
}

func strictJSON(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func invalidRule(pointer, format string, args ...any) *fault.Error {
	return fault.New(422, "RULE_INVALID", "规则有误，未作任何改动").At(pointer, format, args...)
}

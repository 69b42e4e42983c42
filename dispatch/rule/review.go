package rule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"yixian/internal/fault"
)

// Severity of a finding: an error keeps a set from being published, a warning is shown to who publishes it.
type Severity string

const (
	SevError   Severity = "ERROR"
	SevWarning Severity = "WARNING"
)

// Finding is one thing that the review of a set found. Code: RULE_INVALID (schema, types, cells), DEAD_TARGET (a unit that
// does not exist or is retired), DUPLICATE_ID, SOURCE, UNREACHABLE, EXPIRED, UNKNOWN_MATTER, SHADOWED, CONFLICT,
// MAY_CONFLICT, WEAK, COVERAGE.
type Finding struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	Rule     string   `json:"rule,omitempty"`
	Pointer  string   `json:"pointer,omitempty"` // from the set: /rules/<id>/when/of/0/var
	Text     string   `json:"text"`
	With     []string `json:"with,omitempty"` // the other rules
}

// Spot is a place for the coverage: one grid of a street for each land use there.
type Spot struct{ Street, Community, Grid, LandUse string }

// Gap is a matter that ends in the street backstop, or with a unit that the district lacks.
type Gap struct {
	Matter  string   `json:"matter"`
	Name    string   `json:"name"`
	Reason  string   `json:"reason"` // NO_RULE, NO_UNIT
	Streets []string `json:"streets"`
}

// Coverage counts matters × streets.
type Coverage struct {
	Pairs   int   `json:"pairs"`
	Covered int   `json:"covered"`
	NoRule  int   `json:"no_rule"`  // ends in the fallback
	NoUnit  int   `json:"no_unit"`  // the rule names a unit that the district lacks
	NoBasis int   `json:"no_basis"` // nothing names a legal basis
	Gaps    []Gap `json:"gaps"`     // at most maxGaps
}

// Review is the answer of all checks of a set.
type Review struct {
	Rules    int       `json:"rules"`
	Findings []Finding `json:"findings"`
	Coverage Coverage  `json:"coverage"`
}

// Refused reports whether an error keeps the set from being published.
func (r *Review) Refused() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == SevError })
}

const (
	maxGaps     = 100
	maxFindings = 300
	maxPairs    = 400_000 // comparisons of two rules
)

// Check reviews the rows of a set for a district at an instant. It changes nothing and needs nothing else.
func Check(rules []Rule, catalog *Catalog, dir Directory, district string, spots []Spot, now time.Time) *Review {
	r := &Review{Rules: len(rules), Findings: []Finding{}, Coverage: Coverage{Gaps: []Gap{}}}
	good := r.each(rules, catalog, dir)
	s, bad := newSet(good, catalog, dir, false)
	for _, err := range bad {
		r.refusal("", err)
	}
	for i := range s.rules {
		r.alone(&s.rules[i], catalog, district, now)
	}
	r.together(s)
	r.cover(s, catalog, spots, now)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Rule, b.Rule))
	})
	return r
}

func (r *Review) addf(sev Severity, code, id, pointer string, with []string, format string, args ...any) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, Finding{Severity: sev, Code: code, Rule: id, Pointer: pointer, Text: fmt.Sprintf(format, args...), With: with})
	}
}

func (r *Review) refusal(id string, err error) {
	e, ok := fault.As(err)
	if !ok {
		r.addf(SevError, "RULE_INVALID", id, "/rules/"+id, nil, "%s", err)
		return
	}
	for _, f := range e.Fields {
		code := "RULE_INVALID"
		if strings.Contains(f.Detail, deadUnit) {
			code = "DEAD_TARGET"
		}
		r.addf(SevError, code, id, f.Pointer, nil, "%s", f.Detail)
	}
}

// each compiles row by row, so that one bad row does not hide the next, and gives the good ones.
func (r *Review) each(rules []Rule, catalog *Catalog, dir Directory) []Rule {
	probe, _ := newSet(nil, catalog, dir, true)
	seen := map[string]bool{}
	var good []Rule
	for _, one := range rules {
		if one.Source == SourceIncident || one.Source == SourcePrecedent {
			r.addf(SevError, "SOURCE", one.ID, "/rules/"+one.ID+"/source", nil, "规则集里只能有 MANUAL 或 CATALOG 来源的规则；先例和应急规则由系统生成，不随规则集发布")
			continue
		}
		if seen[one.ID] {
			r.addf(SevError, "DUPLICATE_ID", one.ID, "/rules/"+one.ID+"/id", nil, "规则编号 %s 重复", one.ID)
			continue
		}
		seen[one.ID] = true
		check := one
		if check.Status == StatusOff {
			check.Status = StatusActive // a row that is off must be able to be switched on
		}
		if _, err := probe.compileRule(check, false); err != nil {
			r.refusal(one.ID, err)
			continue
		}
		good = append(good, one)
	}
	return good
}

// alone looks at one rule by itself.
func (r *Review) alone(c *compiled, catalog *Catalog, district string, now time.Time) {
	at := "/rules/" + c.ID
	if c.ValidTo != nil && !now.Before(*c.ValidTo) {
		r.addf(SevWarning, "EXPIRED", c.ID, at+"/valid_to", nil, "规则 %s 已过有效期，不会再适用", c.ID)
	}
	switch {
	case c.shape.impossible():
		r.addf(SevWarning, "UNREACHABLE", c.ID, at+"/when", nil, "规则 %s 的条件互相矛盾，永远不会成立", c.ID)
	case c.Scope != "" && district != "" && !strings.HasPrefix(c.Scope, district) && !strings.HasPrefix(district, c.Scope):
		r.addf(SevWarning, "UNREACHABLE", c.ID, at+"/scope", nil, "规则 %s 的适用范围 %s 不在本辖区", c.ID, c.Scope)
	}
	if c.tier == TierFallback && !c.shape.certain() {
		r.addf(SevWarning, "WEAK", c.ID, at+"/when", nil, "规则 %s 没有限定事项、大类、地点或权属，排在责任清单之后：清单已有主责单位的事项用不到它；确需优先请填写 tier", c.ID)
	}
	if catalog == nil {
		return
	}
	var unknown []string
	p := c.shape.pins()
	for _, m := range p.matters {
		if _, ok := catalog.Matter(m); !ok && !slices.Contains(unknown, m) {
			unknown = append(unknown, m)
		}
	}
	if len(unknown) > 0 {
		r.addf(SevWarning, "UNKNOWN_MATTER", c.ID, at+"/when", nil, "规则 %s 提到的事项 %s 不在责任清单中", c.ID, strings.Join(unknown, "、"))
	}
}

// together compares rules that can meet in one case: an earlier one that takes everything from a later one, and two of
// which nothing but their ids decides.
func (r *Review) together(s *Set) {
	lists := [][]int32{s.general}
	for _, code := range sortedKeys(s.byMatter) {
		lists = append(lists, merged(s.byMatter[code], s.byMajor[head(code, 2)], s.general))
	}
	for _, code := range sortedKeys(s.byMajor) {
		lists = append(lists, merged(s.byMajor[code], s.general))
	}
	done := map[[2]int32]bool{}
	for _, list := range lists {
		for k, j := range list {
			for _, i := range list[:k] {
				if key := [2]int32{i, j}; done[key] {
					continue
				} else if done[key] = true; len(done) > maxPairs {
					return
				}
				r.pair(&s.rules[i], &s.rules[j])
			}
		}
	}
}

func (r *Review) pair(first, later *compiled) {
	if first.Status != StatusActive || later.Status != StatusActive {
		return
	}
	same := first.tier == later.tier && first.Priority == later.Priority && first.width == later.width && first.Scope == later.Scope && overlap(first, later)
	differ := !bytes.Equal(encodeOutcome(first.Then), encodeOutcome(later.Then))
	both := []string{first.ID, later.ID}
	slices.Sort(both)
	switch {
	case same && differ && first.Cel == later.Cel && implies(&first.when, &later.when) && implies(&later.when, &first.when):
		r.addf(SevError, "CONFLICT", later.ID, "/rules/"+later.ID+"/when", both, "规则 %s 与 %s 的条件、等级和优先级相同而结果不同，无法判断以谁为准：请合并或调整优先级", both[0], both[1])
	case covers(first, later):
		r.addf(SevWarning, "SHADOWED", later.ID, "/rules/"+later.ID+"/when", []string{first.ID}, "规则 %s 永远轮不到：凡它适用的案件都先由 %s 决定", later.ID, first.ID)
	case same && differ && !disjoint(&first.shape, &later.shape):
		r.addf(SevWarning, "MAY_CONFLICT", later.ID, "/rules/"+later.ID+"/when", both, "规则 %s 与 %s 可能同时适用而结果不同，只由编号先后决定：请用优先级分出先后", both[0], both[1])
	}
}

func encodeOutcome(o Outcome) []byte {
	o.Note = ""
	b, _ := json.Marshal(o) // plain data always encodes
	return b
}

// covers tells that the first rule holds wherever and whenever the later one does.
func covers(first, later *compiled) bool {
	if first.ValidFrom != nil && (later.ValidFrom == nil || first.ValidFrom.After(*later.ValidFrom)) || first.ValidTo != nil && (later.ValidTo == nil || first.ValidTo.Before(*later.ValidTo)) {
		return false
	}
	if !strings.HasPrefix(later.Scope, first.Scope) {
		return false
	}
	return implies(&later.shape, &first.shape)
}

// overlap tells that two rules are in force at one time.
func overlap(a, b *compiled) bool {
	apart := func(x, y *compiled) bool {
		return x.ValidTo != nil && y.ValidFrom != nil && !y.ValidFrom.Before(*x.ValidTo)
	}
	return !apart(a, b) && !apart(b, a)
}

// cover routes every matter at every street.
func (r *Review) cover(s *Set, catalog *Catalog, spots []Spot, now time.Time) {
	if catalog == nil {
		return
	}
	v := &r.Coverage
	gaps := map[[2]string]*Gap{}
	for _, it := range catalog.matters {
		streets := map[string]string{}
		noBasis := map[string]bool{}
		for _, p := range spots {
			d := s.Route(Facts{Matter: it.Code, Grid: p.Grid, Community: p.Community, Street: p.Street, LandUse: p.LandUse, Source: "RESIDENT", Mode: "NORMAL", ReporterCount: 1, Hour: 10, IsWorkday: true, At: now}, nil)
			reason := ""
			switch {
			case len(d.Unresolved) > 0:
				reason = "NO_UNIT"
			case d.Fallback || d.Queue:
				reason = "NO_RULE"
			}
			if had, seen := streets[p.Street]; !seen || had == "" {
				streets[p.Street] = reason
			}
			noBasis[p.Street] = noBasis[p.Street] || len(d.LegalBasis) == 0
		}
		for _, street := range sortedKeys(streets) {
			v.Pairs++
			if noBasis[street] {
				v.NoBasis++
			}
			switch streets[street] {
			case "":
				v.Covered++
				continue
			case "NO_UNIT":
				v.NoUnit++
			default:
				v.NoRule++
			}
			key := [2]string{it.Code, streets[street]}
			if gaps[key] == nil {
				if len(gaps) == maxGaps {
					continue
				}
				gaps[key] = &Gap{Matter: it.Code, Name: it.Name, Reason: streets[street]}
			}
			gaps[key].Streets = append(gaps[key].Streets, street)
		}
	}
	for _, g := range gaps {
		v.Gaps = append(v.Gaps, *g)
	}
	slices.SortFunc(v.Gaps, func(a, b Gap) int { return cmp.Or(cmp.Compare(a.Matter, b.Matter), cmp.Compare(a.Reason, b.Reason)) })
	if v.NoRule+v.NoUnit > 0 {
		r.addf(SevWarning, "COVERAGE", "", "", nil, "%d 个“事项×街道”中有 %d 个由街镇托底（没有规则 %d，缺少单位 %d）", v.Pairs, v.NoRule+v.NoUnit, v.NoRule, v.NoUnit)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// merged joins ascending lists into one.
func merged(lists ...[]int32) []int32 {
	out := slices.Concat(lists...)
	slices.Sort(out)
	return out
}

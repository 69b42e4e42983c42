package rule

import (
	"context"
	"slices"
)

// Verdict is one condition of a rule and whether it holds. Of a not, the condition inside is shown with Negated.
type Verdict struct {
	Condition string `json:"condition"` // matter=06010
	Holds     bool   `json:"holds"`
	Seen      string `json:"seen,omitempty"` // the value of the case; never the report's words
	Negated   bool   `json:"negated,omitempty"`
	Trouble   string `json:"trouble,omitempty"` // why an advanced cell could not be judged
}

// Examined is a step of the trace with every condition of its rule, also those that did not have to be looked at.
type Examined struct {
	Step
	Conditions []Verdict `json:"conditions"`
}

// Explain routes and judges every condition of every rule that was examined.
func (s *Set) Explain(f Facts, excluded map[string]bool) (Decision, []Examined) {
	d := s.Route(f, excluded)
	s.prepare(&f)
	byKey := map[Step]*compiled{}
	key := func(id string, version int, source Source) Step {
		return Step{Rule: id, Version: version, Source: source}
	}
	for i := range s.rules {
		r := &s.rules[i]
		byKey[key(r.ID, r.Version, r.Source)] = r
	}
	out := make([]Examined, 0, len(d.Trace))
	for _, step := range d.Trace {
		e := Examined{Step: step, Conditions: []Verdict{}}
		if r := byKey[key(step.Rule, step.Version, step.Source)]; r != nil {
			e.Conditions = r.when.verdicts(&f, false, e.Conditions)
			if r.cell != nil {
				ctx, cancel := context.WithTimeout(context.Background(), cellDeadline)
				holds, trouble := r.cell.eval(ctx, &f)
				cancel()
				e.Conditions = append(e.Conditions, Verdict{Condition: "CEL " + r.cell.text, Holds: holds, Trouble: trouble})
			}
		}
		out = append(out, e)
	}
	return d, out
}

func (c *cond) verdicts(f *Facts, negated bool, out []Verdict) []Verdict {
	switch c.op {
	case "all", "any":
		for i := range c.of {
			out = c.of[i].verdicts(f, negated, out)
		}
		return out
	case "not":
		return c.of[0].verdicts(f, !negated, out)
	}
	holds, seen := c.test(f)
	v := Verdict{Condition: c.show, Holds: holds, Negated: negated}
	if c.op != "geo_within" && c.op != "text_any" && seen.typ != 0 {
		v.Seen = string(seen.appendTo(nil))
	}
	return append(out, v)
}

// Ranked is a rule as people read it: in deciding order, with its rank and its typed conditions as CEL.
type Ranked struct {
	Rule
	Rank  Tier   `json:"rank"`
	AsCEL string `json:"as_cel"`
}

// Rank sorts rules into deciding order, OFF ones in their place. One that does not compile stands last, without a rank.
func Rank(rules []Rule, catalog *Catalog, dir Directory) []Ranked {
	probe, _ := newSet(nil, catalog, dir, true)
	var good []compiled
	var bad []Ranked
	for _, r := range rules {
		check := r
		if check.Status == StatusOff {
			check.Status = StatusActive
		}
		c, err := probe.compileRule(check, true)
		if err != nil {
			bad = append(bad, Ranked{Rule: r})
			continue
		}
		c.Status = r.Status
		good = append(good, c)
	}
	slices.SortFunc(good, compare)
	out := make([]Ranked, 0, len(rules))
	for i := range good {
		c := &good[i]
		text := c.when.cel()
		if c.when.op == "all" || c.when.op == "any" {
			text = unwrapped(text)
		}
		out = append(out, Ranked{Rule: c.Rule, Rank: c.tier, AsCEL: text})
	}
	return append(out, bad...)
}

// CheckOne compiles one rule by itself as if it were switched on: 422 RULE_INVALID with pointer, line and caret.
func CheckOne(r Rule, dir Directory) error {
	if r.Status == StatusOff {
		r.Status = StatusActive
	}
	probe, _ := newSet(nil, nil, dir, true)
	_, err := probe.compileRule(r, false)
	return err
}

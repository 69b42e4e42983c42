package rule

import (
	"reflect"
	"slices"
	"strings"
)

// implies tells that q holds wherever p does. It is sound but not complete: true is a proof, false only that none was found.
func implies(p, q *cond) bool {
	if q.op == "all" {
		return every(q.of, func(part *cond) bool { return implies(p, part) })
	}
	if p.op == "any" {
		return every(p.of, func(part *cond) bool { return implies(part, q) })
	}
	if q.op == "any" && some(q.of, func(part *cond) bool { return implies(p, part) }) {
		return true
	}
	switch {
	case p.op == "all":
		return some(p.of, func(part *cond) bool { return implies(part, q) })
	case q.op == "any":
		return false
	case q.op == "not":
		return disjoint(p, &q.of[0])
	case p.op == "not":
		return false
	}
	return leafImplies(p, q)
}

// disjoint tells that p and q never hold together; sound but not complete, like implies.
func disjoint(p, q *cond) bool {
	switch {
	case p.op == "any":
		return every(p.of, func(part *cond) bool { return disjoint(part, q) })
	case q.op == "any":
		return every(q.of, func(part *cond) bool { return disjoint(p, part) })
	case p.op == "all":
		return some(p.of, func(part *cond) bool { return disjoint(part, q) })
	case q.op == "all":
		return some(q.of, func(part *cond) bool { return disjoint(p, part) })
	case p.op == "not" && q.op == "not":
		return false
	case p.op == "not":
		return implies(q, &p.of[0])
	case q.op == "not":
		return implies(p, &q.of[0])
	}
	return leafDisjoint(p, q)
}

// impossible tells that a condition can never hold.
func (c *cond) impossible() bool {
	switch c.op {
	case "any":
		return every(c.of, (*cond).impossible)
	case "all":
		for i := range c.of {
			if c.of[i].impossible() {
				return true
			}
			for k := range c.of[:i] {
				if disjoint(&c.of[k], &c.of[i]) {
					return true
				}
			}
		}
	case "not":
		return c.of[0].certain()
	}
	return false
}

// certain tells that a condition always holds.
func (c *cond) certain() bool {
	switch c.op {
	case "all":
		return every(c.of, (*cond).certain)
	case "any":
		return some(c.of, (*cond).certain)
	}
	return false
}

func every(of []cond, is func(*cond) bool) bool {
	for i := range of {
		if !is(&of[i]) {
			return false
		}
	}
	return true
}

func some(of []cond, is func(*cond) bool) bool {
	for i := range of {
		if is(&of[i]) {
			return true
		}
	}
	return false
}

// coarser says what a code tells of a variable above it: the first digits.
var coarser = map[[2]string]int{{"matter", "major"}: 2, {"grid", "community"}: 12, {"grid", "street"}: 9, {"community", "street"}: 9}

// seenAs is a leaf on one variable as a leaf on a coarser one; ok is false when it says nothing about that.
func (c *cond) seenAs(name string) (*cond, bool) {
	if c.name == name {
		return c, true
	}
	n, ok := coarser[[2]string{c.name, name}]
	if !ok {
		return nil, false
	}
	switch c.op {
	case "eq", "in":
		out := cond{op: "in", name: name}
		for _, w := range c.want {
			if len(w.s) < n {
				return nil, false
			}
			out.want = append(out.want, text(w.s[:n]))
		}
		return &out, true
	case "prefix":
		if len(c.pre) >= n {
			return &cond{op: "eq", name: name, want: []value{text(c.pre[:n])}}, true
		}
		return &cond{op: "prefix", name: name, pre: c.pre}, true
	}
	return nil, false
}

// values lists what a leaf allows, when that is a short list.
func (c *cond) values() ([]value, bool) {
	switch c.op {
	case "eq", "in", "is_workday":
		return c.want, true
	case "time_in":
		var out []value
		for h := range 24 {
			if c.from < c.to && h >= c.from && h < c.to || c.from > c.to && (h >= c.from || h < c.to) {
				out = append(out, number(h))
			}
		}
		return out, true
	}
	return nil, false
}

// allows tells whether a leaf holds for a value; known is false for leaves that do not look at one value.
func (c *cond) allows(v value) (holds, known bool) {
	if list, ok := c.values(); ok {
		return slices.Contains(list, v), true
	}
	switch c.op {
	case "prefix":
		return v.typ == typeString && strings.HasPrefix(v.s, c.pre), true
	case "gte":
		return v.typ == typeNumber && v.n >= c.num, true
	case "lte":
		return v.typ == typeNumber && v.n <= c.num, true
	case "exists":
		return true, true // a value that was seen exists
	}
	return false, false
}

func leafImplies(p, q *cond) bool {
	if p.op == opaque || q.op == opaque {
		return false
	}
	if p.op == "text_any" || q.op == "text_any" {
		return p.op == q.op && !slices.ContainsFunc(p.want, func(w value) bool {
			return !slices.ContainsFunc(q.want, func(v value) bool { return strings.Contains(w.s, v.s) })
		})
	}
	if p.op == "geo_within" || q.op == "geo_within" {
		return p.op == q.op && p.area.within(q.area)
	}
	p, ok := p.seenAs(q.name)
	if !ok {
		return false
	}
	if list, ok := p.values(); ok {
		return !slices.ContainsFunc(list, func(v value) bool { holds, known := q.allows(v); return !holds || !known })
	}
	switch {
	case q.op == "exists":
		return true
	case p.op == "prefix":
		return q.op == "prefix" && strings.HasPrefix(p.pre, q.pre)
	case p.op == "gte" && q.op == "gte":
		return p.num >= q.num
	case p.op == "lte" && q.op == "lte":
		return p.num <= q.num
	}
	return false
}

func leafDisjoint(p, q *cond) bool {
	if p.op == opaque || q.op == opaque || p.op == "text_any" || q.op == "text_any" {
		return false
	}
	if p.op == "geo_within" || q.op == "geo_within" {
		return p.op == q.op && p.area.apart(q.area)
	}
	if seen, ok := p.seenAs(q.name); ok {
		p = seen
	} else if seen, ok := q.seenAs(p.name); ok {
		q = seen
	} else {
		return false
	}
	none := func(list []value, c *cond) bool {
		return !slices.ContainsFunc(list, func(v value) bool { holds, known := c.allows(v); return holds || !known })
	}
	if list, ok := p.values(); ok {
		return none(list, q)
	}
	if list, ok := q.values(); ok {
		return none(list, p)
	}
	switch {
	case p.op == "prefix" && q.op == "prefix":
		return !strings.HasPrefix(p.pre, q.pre) && !strings.HasPrefix(q.pre, p.pre)
	case p.op == "gte" && q.op == "lte":
		return p.num > q.num
	case p.op == "lte" && q.op == "gte":
		return p.num < q.num
	}
	return false
}

// within and apart compare circles with a margin of half a per cent for the distance's own error; rings only when equal.
func (a area) within(b area) bool {
	if a.ring != nil || b.ring != nil {
		return reflect.DeepEqual(a, b)
	}
	return reflect.DeepEqual(a, b) || a.distance(b)*1.005+a.m <= b.m
}

func (a area) apart(b area) bool {
	return a.ring == nil && b.ring == nil && a.distance(b)*0.995 > a.m+b.m
}

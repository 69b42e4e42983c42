package rule

import "math"

// pins is what a predicate fixes for certain: kinds of variables, and the matters or majors it is limited to.
type pins struct {
	flags   pin
	matters []string // nil: any
	majors  []string
}

// pins collects what holds in every case the predicate accepts: parts of all add up, branches of any
// keep only what they share, not promises nothing.
func (c *cond) pins() pins {
	switch c.op {
	case "all":
		var p pins
		for i := range c.of {
			q := c.of[i].pins()
			p.flags |= q.flags
			if p.matters == nil { // one limit is enough for the index
				p.matters = q.matters
			}
			if p.majors == nil {
				p.majors = q.majors
			}
		}
		return p
	case "any":
		return c.anyPins()
	case "not", "text_any", opaque:
		return pins{}
	case "eq", "in":
		p := pins{flags: variables[c.name].pin}
		for _, w := range c.want {
			s := w.s
			switch c.name {
			case "matter":
				p.matters = append(p.matters, s)
			case "major":
				p.majors = append(p.majors, s)
			}
		}
		return p
	case "prefix":
		p := pins{flags: variables[c.name].pin}
		if c.name == "matter" {
			p.flags = pinMajor
			if len(c.pre) >= 2 {
				p.majors = []string{c.pre[:2]}
			}
		}
		return p
	}
	return pins{flags: variables[c.name].pin}
}

func (c *cond) anyPins() pins {
	p := c.of[0].pins()
	for i := range c.of[1:] {
		q := c.of[1+i].pins()
		both := p.flags & q.flags
		if (p.flags|q.flags)&pinItem != 0 && p.flags&(pinItem|pinMajor) != 0 && q.flags&(pinItem|pinMajor) != 0 && both&pinItem == 0 {
			both |= pinMajor // one branch an item, the other a whole major
		}
		p.flags = both
		p.majors = mergeMajors(p, q)
		if p.matters == nil || q.matters == nil {
			p.matters = nil
		} else {
			p.matters = append(append([]string(nil), p.matters...), q.matters...)
		}
	}
	return p
}

// mergeMajors gives the majors that hold both branches, nil when one branch is not limited.
func mergeMajors(p, q pins) []string {
	a, b := p.within(), q.within()
	if a == nil || b == nil || p.matters != nil && q.matters != nil {
		return nil
	}
	return append(append([]string(nil), a...), b...)
}

func (p pins) within() []string {
	if p.majors != nil {
		return p.majors
	}
	var out []string
	for _, m := range p.matters {
		out = append(out, head(m, 2))
	}
	return out
}

// codeWidth is a rough size in metres of the area a code names; it only serves to order rules.
func codeWidth(code string) float64 {
	switch n := len(code); {
	case n >= 15:
		return 100
	case n >= 12:
		return 600
	case n >= 9:
		return 3_000
	case n >= 6:
		return 10_000
	}
	return math.Inf(1)
}

// width is the size of the area that a predicate fixes for certain, +Inf for none.
func (c *cond) width() float64 {
	w := math.Inf(1)
	switch c.op {
	case "all":
		for i := range c.of {
			w = math.Min(w, c.of[i].width())
		}
	case "any":
		w = 0
		for i := range c.of {
			w = math.Max(w, c.of[i].width())
		}
	case "geo_within":
		w = c.area.metres()
	case "prefix":
		if c.name == "grid" || c.name == "community" || c.name == "street" {
			w = codeWidth(c.pre)
		}
	case "eq", "in":
		switch c.name {
		case "grid":
			w = codeWidth("000000000000000")
		case "community":
			w = codeWidth("000000000000")
		case "street":
			w = codeWidth("000000000")
		case "land_use":
			w = 9_000
		}
	}
	return w
}

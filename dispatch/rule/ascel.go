package rule

import (
	"strconv"
	"strings"
)

// CEL writes a typed condition as the CEL expression that means the same: what an administrator reads beside a row, and
// may go on from in an advanced cell. The typed condition itself is evaluated directly (docs/adr/0200): a property test
// holds the two together.
func (p Predicate) CEL() (string, error) {
	c, err := compilePredicate(p, "/when")
	if err != nil {
		return "", err
	}
	text := c.cel()
	if c.op == "all" || c.op == "any" {
		text = unwrapped(text)
	}
	return text, nil
}

// unwrapped takes off the brackets that enclose the whole of an all or any.
func unwrapped(s string) string {
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, ")") {
		return s
	}
	depth, inside := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case inside:
			if s[i] == '\\' {
				i++
			} else if s[i] == '"' {
				inside = false
			}
		case s[i] == '"':
			inside = true
		case s[i] == '(':
			depth++
		case s[i] == ')':
			if depth--; depth == 0 && i < len(s)-1 {
				return s
			}
		}
	}
	return s[1 : len(s)-1]
}

// cel writes a condition that can stand anywhere in an expression.
func (c *cond) cel() string {
	switch c.op {
	case "all", "any":
		if len(c.of) == 0 {
			return "true"
		}
		parts := make([]string, len(c.of))
		for i := range c.of {
			parts[i] = c.of[i].cel()
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return "(" + strings.Join(parts, map[string]string{"all": " && ", "any": " || "}[c.op]) + ")"
	case "not":
		return "!(" + unwrapped(c.of[0].cel()) + ")"
	case "geo_within":
		return c.area.cel()
	case "text_any":
		parts := make([]string, len(c.want))
		for i, w := range c.want {
			parts[i] = "text.contains(" + quoted(w.s) + ")"
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return "(" + strings.Join(parts, " || ") + ")"
	case "time_in":
		if c.from < c.to {
			return "(hour >= " + strconv.Itoa(c.from) + " && hour < " + strconv.Itoa(c.to) + ")"
		}
		return "(hour >= " + strconv.Itoa(c.from) + " || hour < " + strconv.Itoa(c.to) + ")"
	}
	if key, ok := strings.CutPrefix(c.name, "facets."); ok {
		return c.facetCEL(quoted(key))
	}
	return c.variableCEL()
}

func (c *cond) variableCEL() string {
	typ := variables[c.name].typ
	switch c.op {
	case "exists":
		if typ == typeString {
			return c.name + ` != ""`
		}
		return "true" // numbers and is_workday are always known
	case "prefix":
		return c.name + ".startsWith(" + quoted(c.pre) + ")"
	case "gte", "lte":
		return whole(c.name, c.num) + sign[c.op] + literal(value{typ: typeNumber, n: c.num}, false)
	}
	var parts []string
	for _, w := range c.want {
		if typ == typeString && w.s == "" {
			parts = append(parts, "false") // nothing known is ever the empty text
			continue
		}
		left := c.name
		if typ == typeNumber {
			left = whole(c.name, w.n)
		}
		if c.name == "text" {
			// The condition compares the words as they came; a cell sees them normalized. Such a row stays a row.
			parts = append(parts, "text == "+quoted(normal(w.s)))
			continue
		}
		parts = append(parts, left+" == "+literal(w, false))
	}
	return orOf(parts)
}

// facetCEL guards every look at an answer: one that was not given makes the comparison false, not the whole cell.
func (c *cond) facetCEL(key string) string {
	seen := "facets[" + key + "]"
	guard := key + " in facets"
	switch c.op {
	case "exists":
		return guard
	case "gte", "lte":
		return "(" + guard + " && type(" + seen + ") == double && " + seen + sign[c.op] + literal(value{typ: typeNumber, n: c.num}, true) + ")"
	}
	var parts []string
	for _, w := range c.want {
		parts = append(parts, seen+" == "+literal(w, true))
	}
	return "(" + guard + " && " + orOf(parts) + ")"
}

var sign = map[string]string{"gte": " >= ", "lte": " <= "}

// whole reads a number as a double where it is compared with a fraction.
func whole(name string, with float64) string {
	if with == float64(int64(with)) {
		return name
	}
	return "double(" + name + ")"
}

func literal(v value, fraction bool) string {
	switch v.typ {
	case typeNumber:
		s := strconv.FormatFloat(v.n, 'f', -1, 64)
		if fraction && !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	case typeBool:
		return strconv.FormatBool(v.b)
	}
	return quoted(v.s)
}

func orOf(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " || ") + ")"
}

// quoted writes a CEL string literal.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f:
			b.WriteString(`\u00` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (a area) cel() string {
	number := func(f float64) string { return literal(value{typ: typeNumber, n: f}, true) }
	if a.ring == nil {
		return "point.near(" + number(a.lon) + ", " + number(a.lat) + ", " + number(a.m) + ")"
	}
	corners := make([]string, len(a.ring))
	for i, p := range a.ring {
		corners[i] = "[" + number(p[0]) + ", " + number(p[1]) + "]"
	}
	return "point.inside([" + strings.Join(corners, ", ") + "])"
}

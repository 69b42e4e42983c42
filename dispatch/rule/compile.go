package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cond is a compiled predicate. eval answers and, when why is not nil, writes each condition it looked at
// with ✓ or ✗ and the value it saw.
type cond struct {
	op   string
	name string // variable
	show string // the condition as the trace prints it: matter=06010
	get  func(*Facts) value
	want []value
	num  float64
	pre  string
	from int
	to   int
	area area
	of   []cond
}

func compilePredicate(p Predicate, at string) (cond, error) {
	budget := maxConditions
	return compile(p, at, 0, &budget)
}

func compile(p Predicate, at string, depth int, budget *int) (cond, error) {
	if *budget--; *budget < 0 || depth > maxDepth {
		return cond{}, invalidRule(at, "条件过多或嵌套过深")
	}
	c := cond{op: p.Op}
	switch p.Op {
	case "all", "any", "not":
		if p.Var != "" || p.Value != nil {
			return c, invalidRule(at, "%s 只能带 of", p.Op)
		}
		if p.Op == "not" && len(p.Of) != 1 || p.Op == "any" && len(p.Of) == 0 {
			return c, invalidRule(at+"/of", "%s 的条件个数不对", p.Op)
		}
		for i, q := range p.Of {
			sub, err := compile(q, at+"/of/"+strconv.Itoa(i), depth+1, budget)
			if err != nil {
				return c, err
			}
			c.of = append(c.of, sub)
		}
		return c, nil
	}
	if p.Of != nil {
		return c, invalidRule(at+"/of", "%s 不能带 of", p.Op)
	}
	return compileLeaf(c, p, at)
}

var operatorNames = []string{"all", "any", "not", "eq", "in", "prefix", "gte", "lte", "exists", "geo_within", "text_any", "time_in", "is_workday"}

// implied is the variable of the operators that have only one.
var implied = map[string]string{"text_any": "text", "time_in": "hour", "is_workday": "is_workday", "geo_within": "point"}

func compileLeaf(c cond, p Predicate, at string) (cond, error) {
	c.name = p.Var
	if only, ok := implied[p.Op]; ok {
		if p.Var != "" && p.Var != only {
			return c, invalidRule(at+"/var", "%s 只用于 %s", p.Op, only)
		}
		c.name = only
	}
	v, known := lookup(c.name)
	if !known || c.name == "point" && p.Op != "geo_within" {
		return c, invalidRule(at+"/var", "没有变量 %q%s", c.name, maybe(c.name, variableNames))
	}
	c.get = v.get
	bad := func(want string) (cond, error) {
		return c, invalidRule(at+"/value", "%s %s 需要%s", c.name, p.Op, want)
	}
	switch p.Op {
	case "eq":
		w := scalar(p.Value)
		if !v.typ.takes(w) {
			return bad("同类型的值")
		}
		c.want, c.show = []value{w}, string(w.appendTo(nil))
	case "in":
		list, ok := p.Value.([]any)
		if !ok || len(list) == 0 {
			return bad("非空列表")
		}
		for _, x := range list {
			w := scalar(x)
			if !v.typ.takes(w) {
				return bad("同类型的值")
			}
			c.want = append(c.want, w)
		}
		c.show = fmt.Sprint(list)
	case "prefix":
		s, ok := p.Value.(string)
		if !ok || s == "" || v.typ != typeString {
			return bad("文字")
		}
		c.pre, c.show = s, s
	case "gte", "lte":
		w := scalar(p.Value)
		if w.typ != typeNumber || v.typ != typeNumber && v.typ != typeAny {
			return bad("数字")
		}
		c.num, c.show = w.n, string(w.appendTo(nil))
	case "exists":
		if p.Value != nil {
			return bad("空值")
		}
	case "text_any":
		list, ok := p.Value.([]any)
		if !ok || len(list) == 0 {
			return bad("非空词表")
		}
		for _, x := range list {
			s, ok := x.(string)
			if !ok || normal(s) == "" {
				return bad("文字")
			}
			c.want = append(c.want, text(normal(s)))
		}
		c.show = fmt.Sprint(list)
	case "time_in":
		list, _ := p.Value.([]any)
		if len(list) != 2 {
			return bad("[起, 止] 两个整点")
		}
		a, z := scalar(list[0]), scalar(list[1])
		from, to := a.n, z.n
		if a.typ != typeNumber || z.typ != typeNumber || from != float64(int(from)) || to != float64(int(to)) || from < 0 || from > 23 || to < 0 || to > 24 || from == to {
			return bad("0–24 的两个不同整点")
		}
		c.from, c.to, c.show = int(from), int(to), fmt.Sprintf("%d–%d", int(from), int(to))
	case "is_workday":
		want, ok := true, true
		if p.Value != nil {
			want, ok = p.Value.(bool)
		}
		if !ok {
			return bad("是或否")
		}
		c.want, c.show = []value{scalar(want)}, fmt.Sprint(want)
	case "geo_within":
		a, err := parseArea(p.Value)
		if err != nil {
			return bad("圆 {lon,lat,m} 或多边形 {ring}：" + err.Error())
		}
		c.area, c.show = a, a.String()
	default:
		return c, invalidRule(at+"/op", "没有运算 %q%s", p.Op, maybe(p.Op, operatorNames))
	}
	switch c.op {
	case "eq", "is_workday":
		c.show = c.name + "=" + c.show
	case "exists":
		c.show = c.name + " exists"
	default:
		c.show = c.name + " " + c.op + " " + c.show
	}
	return c, nil
}

func (t valueType) takes(v value) bool {
	return v.typ != 0 && (t == v.typ || t == typeAny)
}

func (c *cond) eval(f *Facts, why *[]byte) bool {
	switch c.op {
	case "all":
		for i := range c.of {
			if !c.of[i].eval(f, why) {
				return false
			}
		}
		return true
	case "any":
		for i := range c.of {
			if c.of[i].eval(f, why) {
				return true
			}
		}
		return false
	case "not":
		if why != nil {
			*why = append(gap(*why), "非("...)
		}
		ok := !c.of[0].eval(f, why)
		if why != nil {
			*why = append(*why, ')')
		}
		return ok
	}
	ok, seen := c.test(f)
	if why != nil {
		*why = c.explain(*why, ok, seen)
	}
	return ok
}

// test returns the verdict of a leaf and the value seen.
func (c *cond) test(f *Facts) (bool, value) {
	if c.op == "geo_within" {
		return f.HasPoint && c.area.holds(f.Lon, f.Lat), value{}
	}
	seen := c.get(f)
	switch c.op {
	case "eq", "in", "is_workday":
		if slices.Contains(c.want, seen) {
			return true, seen
		}
	case "prefix":
		return seen.typ == typeString && strings.HasPrefix(seen.s, c.pre), seen
	case "gte", "lte":
		return seen.typ == typeNumber && (c.op == "gte" && seen.n >= c.num || c.op == "lte" && seen.n <= c.num), seen
	case "exists":
		return seen.typ != 0, seen
	case "time_in":
		h := f.Hour
		if c.from < c.to {
			return h >= c.from && h < c.to, seen
		}
		return h >= c.from || h < c.to, seen
	case "text_any":
		for _, w := range c.want {
			if strings.Contains(f.norm, w.s) {
				return true, w
			}
		}
		return false, value{} // the reporter's words never enter the trace
	}
	return false, seen
}

// explain appends the verdict, the condition and, unless it equals the value wanted, the value seen.
func (c *cond) explain(b []byte, ok bool, seen value) []byte {
	b = gap(b)
	if ok {
		b = append(b, "✓"...)
	} else {
		b = append(b, "✗"...)
	}
	b = append(b, c.show...)
	if ok && (c.op == "eq" || c.op == "is_workday") || seen.typ == 0 && (c.op == "geo_within" || c.op == "text_any") {
		return b
	}
	b = append(b, '(')
	return append(seen.appendTo(b), ')')
}

// gap separates a condition from the one before it.
func gap(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != '(' {
		return append(b, ' ')
	}
	return b
}

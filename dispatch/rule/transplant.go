package rule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// Transplant is what a template's catalogue and rules become in another district, whose units nobody knows yet: a unit is
// named by its field of work or by its ground, and what holds only in a place of the template is left out and told of.
type Transplant struct {
	Items      []Item
	Rules      []Rule
	Targets    []Moved  // units of the template that the new district's own units stand in for
	Unresolved []Moved  // those that nothing stands in for: the street does
	LeftOut    []Left   // what was not taken over
	Lines      []string // fields of work that somebody is asked for: the new district needs a unit for each
}

// Moved is a unit of the template, what it is called in the new district, and the rules and matters that name it.
type Moved struct {
	Unit string   `json:"unit"`
	Name string   `json:"name"`
	To   Expr     `json:"to"`
	Why  string   `json:"why,omitempty"` // why nothing, or not quite the same, stands in for it
	In   []string `json:"in"`
}

// Left is a rule or an item that was not taken over.
type Left struct {
	Kind  string `json:"kind"` // rule, item
	ID    string `json:"id"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

// NewTransplant moves items and rules of the district from into the district to. units is the organisation of from.
func NewTransplant(items []Item, rules []Rule, units Directory, from, to string) Transplant {
	m := mover{units: units.index(), from: from, to: to, moved: map[string]*Moved{}, lines: map[string]bool{}, out: Transplant{Items: []Item{}, Rules: []Rule{}}}
	for _, it := range items {
		m.item(it)
	}
	for _, r := range rules {
		m.rule(r)
	}
	for _, code := range slices.Sorted(maps.Keys(m.moved)) {
		x := *m.moved[code]
		slices.Sort(x.In)
		x.In = slices.Compact(x.In)
		if x.To == StreetOfGrid && m.units.Units[code].Kind != kindStreet {
			m.out.Unresolved = append(m.out.Unresolved, x)
		} else {
			m.out.Targets = append(m.out.Targets, x)
		}
	}
	m.out.Lines = slices.Sorted(maps.Keys(m.lines))
	return m.out
}

// The kinds of unit (as grid names them) that answer for ground and not for a field of work.
const (
	kindStreet    = "STREET"
	kindCommunity = "COMMUNITY"
)

type mover struct {
	units    *directory
	from, to string
	moved    map[string]*Moved
	lines    map[string]bool
	out      Transplant
}

func (m *mover) leavef(kind, id, title, format string, args ...any) {
	m.out.LeftOut = append(m.out.LeftOut, Left{kind, id, title, fmt.Sprintf(format, args...)})
}

func (m *mover) item(it Item) {
	if it.Area != "" {
		m.leavef("item", it.Code, it.Name, "只在 %s 有效", it.Area)
		return
	}
	it.District, it.Version, it.ValidFrom = m.to, 1, nil
	o := Outcome{Lead: it.LeadExpr, Assists: it.AssistExpr}.retarget(func(e Expr) Expr { return m.target(e, it.Code) })
	it.LeadExpr, it.AssistExpr = o.Lead, o.Assists
	for _, key := range it.Facets {
		m.asked(key)
	}
	m.out.Items = append(m.out.Items, it)
}

func (m *mover) rule(r Rule) {
	switch r.Scope {
	case "":
	case m.from:
		r.Scope = m.to
	default:
		m.leavef("rule", r.ID, r.Title, "适用范围是模板辖区的 %s", r.Scope)
		return
	}
	when, why := m.condition(r.When)
	if why == "" {
		why = m.cell(r.Cel)
	}
	if why != "" {
		m.leavef("rule", r.ID, r.Title, "%s", why)
		return
	}
	r.District, r.Version, r.When = m.to, 1, when
	r.Then = r.Then.retarget(func(e Expr) Expr { return m.target(e, r.ID) })
	if err := CheckOne(r, Directory{}); err != nil {
		m.leavef("rule", r.ID, r.Title, "规则本身有误：%s", err)
		return
	}
	m.out.Rules = append(m.out.Rules, r)
}

// target names a unit so that the new district can answer for it.
func (m *mover) target(e Expr, in string) Expr {
	if line, ok := strings.CutPrefix(string(e), "line:"); ok {
		if key, byAnswer := strings.CutPrefix(line, "$"); byAnswer {
			m.asked(key)
		} else {
			m.lines[line] = true
		}
	}
	code, ok := strings.CutPrefix(string(e), "unit:")
	if !ok {
		return e
	}
	x := m.moved[code]
	if x == nil {
		x = &Moved{Unit: code, Name: m.units.Units[code].Name, To: StreetOfGrid}
		m.moved[code] = x
		u, known := m.units.Units[code]
		_, line := lineByCode[u.Line]
		switch {
		case !known || !u.Active:
			x.Why = "模板辖区已没有该单位"
		case u.Kind == kindCommunity:
			x.To = CommunityOfGrid
		case u.Kind == kindStreet: // whoever is the street there
		case !line:
			x.Why = "该单位没有条线，新辖区无从对应"
		default:
			if x.To = Expr("line:" + u.Line); m.units.line[u.Line] != code {
				x.Why = fmt.Sprintf("模板辖区有几个单位属于条线 %s，新辖区将由其中编码最小的承担", u.Line)
			}
			m.lines[u.Line] = true
		}
	}
	x.In = append(x.In, in)
	return x.To
}

// asked notes the fields of work that answers to a question name.
func (m *mover) asked(key string) {
	for _, f := range Facets() {
		for _, o := range f.Options {
			if line, ok := o.Value.(string); ok && f.Key == key && lineByCode[line] != (Line{}) {
				m.lines[line] = true
			}
		}
	}
}

// condition gives a condition that means the same elsewhere, or why there is none.
func (m *mover) condition(p Predicate) (_ Predicate, why string) {
	p.Of = slices.Clone(p.Of)
	for i := range p.Of {
		if p.Of[i], why = m.condition(p.Of[i]); why != "" {
			return p, why
		}
	}
	switch name := cmp.Or(implied[p.Op], p.Var); name {
	case "point":
		return p, "条件限于模板辖区的一个地点"
	case "grid", "community", "street":
		return p, "条件限于模板辖区的区域（" + name + "）"
	case "component":
		if p.Op != "exists" {
			return p, "条件限于模板辖区的部件编号"
		}
	case "component.owner", "component.maintainer":
		return m.owner(p)
	}
	return p, ""
}

// owner turns a condition on whose a component is from units to their fields of work.
func (m *mover) owner(p Predicate) (Predicate, string) {
	var codes []any
	switch p.Op {
	case "exists":
		return p, ""
	case "eq":
		codes = []any{p.Value}
	case "in":
		codes, _ = p.Value.([]any)
	}
	var lines []any
	for _, c := range codes {
		code, _ := c.(string)
		line := m.units.Units[code].Line
		if lineByCode[line] == (Line{}) {
			return p, fmt.Sprintf("条件写明了模板辖区的单位 %v，该单位没有条线", c)
		}
		lines = append(lines, line)
		m.lines[line] = true
	}
	switch p.Var += ".line"; {
	case len(lines) == 0:
		return p, "条件按模板辖区的单位编码判断权属"
	case p.Op == "eq":
		p.Value = lines[0]
	default:
		p.Value = lines
	}
	return p, ""
}

// cell tells why an advanced cell means something in the template only; "" when it does not.
func (m *mover) cell(text string) (why string) {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	env, err := cells()
	if err != nil {
		return err.Error()
	}
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		return "高级单元格无法编译"
	}
	names := tree.NativeRep().ReferenceMap()
	ast.PostOrderVisit(tree.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch name := names[e.ID()]; {
		case name != nil && slices.Contains([]string{"point", "grid", "community", "street", "component.owner", "component.maintainer"}, name.Name):
			why = "高级单元格引用了模板辖区的地点或单位（" + name.Name + "），请在新辖区重写"
		case e.Kind() == ast.LiteralKind:
			if s, ok := e.AsLiteral().(types.String); ok && len(s) > 6 && strings.HasPrefix(string(s), m.from) {
				why = "高级单元格写明了模板辖区的编码 " + string(s)
			}
		}
	}))
	return why
}

package rule

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Set is a compiled rule set: immutable, safe for concurrent use. An edit makes a new Set, so that a case
// is never routed by half of one.
type Set struct {
	catalog *Catalog
	dir     *directory
	rules   []compiled // in deciding order
	// Positions in rules, ascending. A rule limited to matters or majors is only examined for them, which
	// keeps the cost of a case independent of how many rules other matters have.
	byMatter map[string][]int32
	byMajor  map[string][]int32
	general  []int32
	gates    map[string][]gate // beside byMatter, where a rule is about one street
	byItem   map[*Item]outcome // what the catalogue says, of every version of a matter
	version  int               // of the district's rule set, for the trace; 0 = none
	written  bool              // somebody wrote a rule that decides; a table without one is a mistake, and its cases are flagged
	words    []string          // every word that a text_any looks for, normalized, sorted
}

type compiled struct {
	Rule
	when  cond
	cell  *cell // nil: no advanced cell
	shape cond  // what when and cell certainly demand together
	then  outcome
	tier  Tier
	width float64
}

// outcome is an Outcome with its expressions parsed.
type outcome struct {
	Outcome
	lead    expr
	assists []expr
	call    struct {
		lead    expr
		targets []expr
	}
}

// NewSet compiles the rules for one district. It refuses the whole set (422 RULE_INVALID, pointer
// /rules/<id>/…) for an unknown field, operator, type or value, for two rules with one id and version, and
// for a `unit:` that the district does not have or has retired. catalog may be nil, rules empty: every case
// then falls to its street. Rules with status OFF are not looked at.
func NewSet(rules []Rule, catalog *Catalog, dir Directory) (*Set, error) {
	s, bad := newSet(rules, catalog, dir, false)
	if len(bad) > 0 {
		return nil, bad[0]
	}
	return s, nil
}

// Load compiles rules that are in force already. Nothing may stop a report from being routed, so that it never refuses: a
// rule that this program cannot compile is left out and told of, and a unit that was retired after the rule was published
// is treated as one that the district lacks (the street stands in, with needs_catalog_review). version is the number of
// the rule set, which every decision then carries.
func Load(version int, rules []Rule, catalog *Catalog, dir Directory) (*Set, []error) {
	s, bad := newSet(rules, catalog, dir, true)
	s.version = version
	return s, bad
}

func newSet(rules []Rule, catalog *Catalog, dir Directory, tolerant bool) (*Set, []error) {
	s := &Set{catalog: catalog, dir: dir.index(), byMatter: map[string][]int32{}, byMajor: map[string][]int32{}, byItem: map[*Item]outcome{}}
	type key struct {
		id      string
		version int
	}
	var bad []error
	seen := make(map[key]bool, len(rules))
	for i := range rules {
		r := rules[i]
		if r.Status == StatusOff {
			continue
		}
		c, err := s.compileRule(r, tolerant)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		if k := (key{r.ID, r.Version}); seen[k] {
			bad = append(bad, invalidRule("/rules/"+r.ID, "规则编号和版本重复"))
			continue
		}
		seen[key{r.ID, r.Version}] = true
		s.written = s.written || r.Status == StatusActive && (r.Source == SourceManual || r.Source == SourceCatalog)
		s.words = c.when.words(s.words)
		s.rules = append(s.rules, c)
	}
	slices.Sort(s.words)
	s.words = slices.Compact(s.words)
	slices.SortFunc(s.rules, compare)
	for i := range s.rules {
		s.place(int32(i))
	}
	s.setGates()
	if catalog != nil {
		for _, it := range catalog.everyMatter() {
			if it.LeadExpr == "" {
				continue
			}
			o, err := parseOutcome(Outcome{Lead: it.LeadExpr, Assists: it.AssistExpr})
			if err != nil {
				bad = append(bad, invalidRule("/catalog/"+it.Code, "%s", err))
				continue
			}
			s.byItem[it] = o
		}
	}
	return s, bad
}

// words appends what the text_any conditions look for.
func (c *cond) words(out []string) []string {
	if c.op == "text_any" {
		for _, w := range c.want {
			out = append(out, w.s)
		}
	}
	for i := range c.of {
		out = c.of[i].words(out)
	}
	return out
}

// Said lists the words of the set's text conditions that occur in a report: what may be kept with a case of its words,
// since the rules themselves name them.
func (s *Set) Said(report string) []string {
	var out []string
	said := normal(report)
	for _, w := range s.words {
		if strings.Contains(said, w) {
			out = append(out, w)
		}
	}
	return out
}

// Words lists every word that the set's text conditions look for.
func (s *Set) Words() []string { return slices.Clone(s.words) }

// ReadsText reports whether a rule's advanced cell asks for the words of a report, which are not kept for a replay.
func (s *Set) ReadsText() bool {
	return slices.ContainsFunc(s.rules, func(c compiled) bool { return c.cell != nil && c.cell.words })
}

// Version is the number of the rule set, 0 when it has none.
func (s *Set) Version() int { return s.version }

// Written is a rule of the set for a list: its id, title and status, and whether it only stands in when nothing else decides.
type Written struct {
	ID, Title string
	Status    Status
	Backstop  bool
}

// Written lists the set's rules in the order in which they are asked.
func (s *Set) Written() []Written {
	out := make([]Written, len(s.rules))
	for i := range s.rules {
		r := &s.rules[i]
		out[i] = Written{r.ID, r.Title, r.Status, r.tier == TierFallback}
	}
	return out
}

// Len is how many rules are compiled (ACTIVE and SHADOW).
func (s *Set) Len() int { return len(s.rules) }

func (s *Set) compileRule(r Rule, tolerant bool) (compiled, error) {
	at := "/rules/" + r.ID
	c := compiled{Rule: r}
	switch {
	case r.ID == "":
		return c, invalidRule("/rules", "规则缺少编号")
	case r.Status != StatusActive && r.Status != StatusShadow:
		return c, invalidRule(at+"/status", "没有状态 %q", r.Status)
	case r.Source != SourceIncident && r.Source != SourcePrecedent && r.Source != SourceManual && r.Source != SourceCatalog:
		return c, invalidRule(at+"/source", "没有来源 %q", r.Source)
	case !validScope(r.Scope):
		return c, invalidRule(at+"/scope", "适用范围应为 6、9、12 或 15 位编码")
	case r.ValidFrom != nil && r.ValidTo != nil && !r.ValidFrom.Before(*r.ValidTo):
		return c, invalidRule(at+"/valid_to", "应晚于生效时间")
	}
	if _, ok := tierRank[r.Tier]; r.Tier != "" && !ok {
		return c, invalidRule(at+"/tier", "没有等级 %q", r.Tier)
	}
	var err error
	if r.When.Op == "" && r.When.Of == nil && r.When.Var == "" && r.When.Value == nil && r.Cel != "" {
		r.When, c.Rule.When = All(), All() // a rule may stand in its advanced cell alone
	}
	if c.when, err = compilePredicate(r.When, at+"/when"); err != nil {
		return c, err
	}
	c.shape = c.when
	if strings.TrimSpace(r.Cel) != "" {
		if c.cell, err = compileCell(r.Cel, at+"/cel"); err != nil {
			return c, err
		}
		c.shape = cond{op: "all", of: []cond{c.when, c.cell.shape}}
	}
	if err := checkOutcome(r.Then, at+"/then"); err != nil {
		return c, err
	}
	if c.then, err = parseOutcome(r.Then); err != nil {
		return c, invalidRule(at+"/then", "%s", err)
	}
	if dead := s.deadTarget(c.then); dead != "" && !tolerant {
		return c, invalidRule(at+"/then", "单位 %s"+deadUnit, dead)
	}
	p := c.shape.pins()
	c.tier = tierOf(&r, p, c.then.lead)
	c.width = math.Min(c.shape.width(), codeWidth(r.Scope))
	return c, nil
}

const deadUnit = " 不存在或已撤销"

func validScope(s string) bool {
	n := len(s)
	return (n == 0 || n == 6 || n == 9 || n == 12 || n == 15) && strings.Trim(s, "0123456789") == ""
}

func checkOutcome(o Outcome, at string) error {
	switch {
	case o.Path != "" && o.Path != PathStreetFirst && o.Path != PathDirect:
		return invalidRule(at+"/path", "没有派遣路径 %q", o.Path)
	case o.Priority != "" && !o.Priority.Valid():
		return invalidRule(at+"/priority", "没有优先级 %q", o.Priority)
	case o.Level != "" && o.Level.Rank() == 0:
		return invalidRule(at+"/level", "没有层级 %q", o.Level)
	case o.CheckMode != "" && !o.CheckMode.valid():
		return invalidRule(at+"/check_mode", "没有核查方式 %q", o.CheckMode)
	case o.Sensitivity != "" && !o.Sensitivity.valid():
		return invalidRule(at+"/sensitivity", "没有敏感级别 %q", o.Sensitivity)
	case !o.SLA.valid():
		return invalidRule(at+"/sla", "时限无效")
	case o.VerifyWithin != "" && !(SLA{{Name: "verify", Budget: o.VerifyWithin}}).valid():
		return invalidRule(at+"/verify_within", "核实时限 %q 无效", o.VerifyWithin)
	case o.Call != nil && o.Call.Level != CallL1 && o.Call.Level != CallL2 && o.Call.Level != CallL3:
		return invalidRule(at+"/call/level", "没有呼叫级别 %q", o.Call.Level)
	}
	return nil
}

func parseOutcome(o Outcome) (outcome, error) {
	out := outcome{Outcome: o}
	one := func(into *expr, e Expr) (err error) {
		if e != "" {
			*into, err = parseExpr(e)
		}
		return err
	}
	many := func(into *[]expr, es []Expr) error {
		for _, e := range es {
			x, err := parseExpr(e)
			if err != nil {
				return err
			}
			*into = append(*into, x)
		}
		return nil
	}
	if err := one(&out.lead, o.Lead); err != nil {
		return out, err
	}
	if err := many(&out.assists, o.Assists); err != nil || o.Call == nil {
		return out, err
	}
	if err := one(&out.call.lead, o.Call.Lead); err != nil {
		return out, err
	}
	return out, many(&out.call.targets, o.Call.Targets)
}

func (s *Set) deadTarget(o outcome) string {
	all := append([]expr{o.lead, o.call.lead}, o.assists...)
	for _, e := range append(all, o.call.targets...) {
		if e.kind == exprUnit && s.dir.live(e.arg) == "" {
			return e.arg
		}
	}
	return ""
}

// compare is the deciding order: tier, priority descending, narrower area, newest version, id.
func compare(a, b compiled) int {
	return cmp.Or(
		cmp.Compare(tierRank[a.tier], tierRank[b.tier]),
		cmp.Compare(b.Priority, a.Priority),
		cmp.Compare(a.width, b.width),
		cmp.Compare(b.Version, a.Version),
		cmp.Compare(a.ID, b.ID),
	)
}

func (s *Set) place(i int32) {
	p := s.rules[i].shape.pins()
	put := func(m map[string][]int32, keys []string) {
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			m[k] = append(m[k], i)
		}
	}
	switch {
	case p.matters != nil:
		put(s.byMatter, slices.Clone(p.matters))
	case p.majors != nil:
		put(s.byMajor, slices.Clone(p.majors))
	default:
		s.general = append(s.general, i)
	}
}

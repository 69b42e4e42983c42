package rule

import (
	"context"
	"math"
	"slices"
	"strings"
)

// Step is one rule that was examined, in the order of examination; the last one that matched decided.
// Why lists the conditions looked at with ✓ or ✗ and the value seen; it never holds the reporter's words.
type Step struct {
	Rule    string `json:"rule"`
	Version int    `json:"version"`
	Source  Source `json:"source"`
	Tier    Tier   `json:"tier"`
	Title   string `json:"title,omitempty"`
	Matched bool   `json:"matched"`
	Shadow  bool   `json:"shadow,omitempty"` // matched or not, it does not decide
	Why     string `json:"why"`
}

// Call is a proposed call with its units found.
type Call struct {
	Level    CallLevel `json:"level"`
	Required bool      `json:"required"`
	Auto     bool      `json:"auto"`
	Lead     string    `json:"lead,omitempty"` // "" = the named lead is missing or has returned the case: the street chooses
	Targets  []string  `json:"targets"`        // without Lead
}

// Decision is the answer for one case. Units are codes of the Directory.
type Decision struct {
	Owner    string   `json:"owner"` // the territorial street: keeps the promise to the resident on either path
	Lead     string   `json:"lead"`  // "" only with Queue
	Assists  []string `json:"assists"`
	Proposed *Call    `json:"proposed,omitempty"`
	Path     Path     `json:"path"`

	Priority    Priority    `json:"priority"`
	Level       Level       `json:"level"`
	CheckMode   CheckMode   `json:"check_mode"`
	SLA         SLA         `json:"sla"`
	Sensitivity Sensitivity `json:"sensitivity"`
	LegalBasis  []string    `json:"legal_basis,omitempty"`
	Binding     bool        `json:"binding,omitempty"`
	Note        string      `json:"note,omitempty"`

	VerifyWithin string `json:"verify_within,omitempty"` // the grid's people go and look within this budget
	DisputeAfter string `json:"dispute_after,omitempty"` // the stage at whose end the arbitrator is asked

	RuleSet int    `json:"rule_set,omitempty"` // the set that decided, as a whole; 0 when the district has none
	Rule    string `json:"rule"`
	Version int    `json:"version"`
	Source  Source `json:"source"`
	Tier    Tier   `json:"tier"`

	Fallback           bool   `json:"fallback"`             // the street backstop decided or stood in for a missing unit
	NeedsCatalogReview bool   `json:"needs_catalog_review"` // the catalogue or the organisation has a gap here
	Queue              bool   `json:"queue"`                // a dispatcher must decide: the result is excluded, or the area has no street unit
	Excluded           string `json:"excluded,omitempty"`   // the unit that would have been lead
	Unresolved         []Expr `json:"unresolved,omitempty"` // expressions for which the district has no unit
	Trace              []Step `json:"trace"`
}

// FallbackRule is the id in Decision.Rule when no rule at all matched.
const FallbackRule = "FALLBACK"

// DefaultSLA is the HANDLE budget of a matter the catalogue does not know.
func DefaultSLA() SLA { return SLA{{Name: "handle", Budget: "5WD"}} }

// Route decides one case: the first rule that matches in deciding order, else the catalogue's lead, else
// the street of the grid. excluded holds units that have returned the case: they are proposed no more, and a
// case whose lead would be one of them goes to the dispatchers' queue. Equal input gives an equal answer.
func (s *Set) Route(f Facts, excluded map[string]bool) Decision {
	return s.RouteWithin(context.Background(), f, excluded)
}

// RouteWithin is Route with a context that ends the evaluation of advanced cells: one that comes too late holds for
// nothing, and the decision is flagged. Typed conditions take microseconds and are always evaluated.
func (s *Set) RouteWithin(ctx context.Context, f Facts, excluded map[string]bool) Decision {
	s.prepare(&f)
	t := timer{base: ctx}
	defer t.stop()
	var item *Item
	if s.catalog != nil {
		item, _ = s.catalog.MatterAt(f.Matter, f.community(), f.street(), f.At)
	}
	d := base(item, &f)
	d.RuleSet = s.version
	d.Owner = s.dir.resolve(expr{kind: exprStreet}, &f)

	var scratch []byte
	ahead := s.candidates(&f)
	d.Trace = make([]Step, 0, min(ahead.len()+1, 24))
	for {
		i, elsewhere := ahead.next()
		if elsewhere != nil {
			step := elsewhere.step
			step.Why += f.street() + ")"
			d.step(step)
			continue
		}
		if i < 0 || s.rules[i].tier == TierFallback {
			if o, ok := s.byItem[item]; ok {
				d.Rule, d.Version, d.Source, d.Tier = "C"+f.Matter, item.Version, SourceCatalog, TierCatalog
				d.step(Step{Rule: d.Rule, Version: d.Version, Source: d.Source, Tier: d.Tier, Title: item.Name, Matched: true, Why: "事项清单：" + string(item.LeadExpr)})
				s.apply(&d, &o, item, &f, excluded)
				if !s.written { // all rules are gone, or none was ever written: nobody may overlook that
					d.Fallback, d.NeedsCatalogReview = true, true
				}
				return d
			}
		}
		if i < 0 {
			d.Rule, d.Source, d.Tier = FallbackRule, SourceCatalog, TierFallback
			d.step(Step{Rule: d.Rule, Source: d.Source, Tier: d.Tier, Matched: true, Why: "没有适用的规则，街镇托底"})
			s.apply(&d, &outcome{Outcome: Outcome{Lead: StreetOfGrid, Path: PathStreetFirst}}, item, &f, excluded)
			d.Fallback, d.NeedsCatalogReview = true, true
			return d
		}
		r := &s.rules[i]
		ok, why := r.match(&f, &scratch, &t)
		d.NeedsCatalogReview = d.NeedsCatalogReview || t.late
		shadow := r.Status == StatusShadow
		d.step(Step{Rule: r.ID, Version: r.Version, Source: r.Source, Tier: r.tier, Title: r.Title, Matched: ok, Shadow: shadow, Why: why})
		if !ok || shadow {
			continue
		}
		d.Rule, d.Version, d.Source, d.Tier = r.ID, r.Version, r.Source, r.tier
		s.apply(&d, &r.then, item, &f, excluded)
		if r.tier == TierFallback {
			d.Fallback, d.NeedsCatalogReview = true, true
		}
		return d
	}
}

// first takes the lowest head of three ascending lists, -1 when all are empty.
func first(lists ...*[]int32) int32 {
	best, low := -1, int32(math.MaxInt32)
	for k, l := range lists {
		if len(*l) > 0 && (*l)[0] < low {
			best, low = k, (*l)[0]
		}
	}
	if best < 0 {
		return -1
	}
	*lists[best] = (*lists[best])[1:]
	return low
}

func (d *Decision) step(s Step) { d.Trace = append(d.Trace, s) }

// timer starts the deadline of advanced cells when the first of a case is reached; most cases reach none.
type timer struct {
	base context.Context //nolint:containedctx // lives as long as one call of Route
	ctx  context.Context //nolint:containedctx // the same
	end  context.CancelFunc
	late bool
}

func (t *timer) stop() {
	if t.end != nil {
		t.end()
	}
}

func (t *timer) running() context.Context {
	if t.ctx == nil {
		t.ctx, t.end = context.WithTimeout(t.base, cellDeadline)
	}
	return t.ctx
}

func (r *compiled) match(f *Facts, scratch *[]byte, t *timer) (bool, string) {
	if !f.At.IsZero() && (r.ValidFrom != nil && f.At.Before(*r.ValidFrom) || r.ValidTo != nil && !f.At.Before(*r.ValidTo)) {
		return false, "✗有效期"
	}
	if area := f.area(); r.Scope != "" && !strings.HasPrefix(area, r.Scope) {
		return false, "✗适用范围 " + r.Scope + "(" + area + ")"
	}
	*scratch = (*scratch)[:0]
	ok := r.when.eval(f, scratch)
	if ok && r.cell != nil {
		ok = r.cell.explain(f, scratch, t)
	}
	if len(*scratch) == 0 {
		return ok, "无条件"
	}
	return ok, string(*scratch)
}

// explain evaluates the cell and appends its verdict. The trace shows the expression, never the values it read.
func (c *cell) explain(f *Facts, why *[]byte, t *timer) bool {
	ok, trouble := c.eval(t.running(), f)
	mark := "✗"
	if ok {
		mark = "✓"
	}
	*why = append(append(gap(*why), mark...), "CEL "...)
	*why = append(*why, shorten(c.text)...)
	if trouble != "" {
		*why = append(append(append(*why, '('), trouble...), ')')
		t.late = t.late || trouble != "所需信息未知"
	}
	return ok
}

// shorten keeps a long expression from filling the trace.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if list := []rune(s); len(list) > 200 {
		return string(list[:200]) + "…"
	}
	return s
}

// base is what the catalogue item promises before any rule speaks.
func base(it *Item, f *Facts) Decision {
	d := Decision{Path: PathStreetFirst, Priority: P3, Level: LevelStreet, CheckMode: CheckAll, Sensitivity: SensNormal, SLA: DefaultSLA(), Assists: []string{}}
	if it != nil {
		d.Path, d.Priority, d.Level, d.CheckMode, d.Sensitivity = it.Path, it.Priority, it.Level, it.CheckMode, it.Sensitivity
		d.SLA, d.LegalBasis = slices.Clone(it.SLA), slices.Clone(it.LegalBasis)
	}
	if f.Priority.Urgent(d.Priority) {
		d.Priority = f.Priority // raised by hand or by a merge: routing never lowers it
	}
	return d
}

// apply turns an outcome into units. STREET_FIRST: the street leads and the department named is proposed as
// call target; a territorial lead (street or community) leads itself. DIRECT: the named unit leads at once.
func (s *Set) apply(d *Decision, o *outcome, item *Item, f *Facts, excluded map[string]bool) {
	d.override(&o.Outcome, f)
	lead, leadExpr := o.lead, o.Lead
	if leadExpr == "" { // the rule leaves the lead to the catalogue
		if own, ok := s.byItem[item]; ok {
			lead, leadExpr = own.lead, own.Lead
		} else {
			lead, leadExpr = expr{kind: exprStreet}, StreetOfGrid
		}
	}
	unit := s.dir.resolve(lead, f)
	if unit == "" {
		d.Unresolved = append(d.Unresolved, leadExpr)
		d.Fallback, d.NeedsCatalogReview = true, true
		d.Path = PathStreetFirst // the street stands in and may call
	}
	others := s.units(d, o.assists, o.Assists, f)

	var callLead string
	named := false // the rule says who leads the call
	switch {
	case d.Path == PathDirect || lead.territorial():
		d.Lead = unit
	default:
		d.Lead, callLead, named = d.Owner, unit, true
	}
	if d.Lead == "" {
		d.Lead = d.Owner
	}
	targets := others
	if d.Path == PathDirect {
		d.Assists = pick(others, excluded, d.Lead)
		targets = nil
	}
	if c := o.Call; c != nil {
		if d.Path == PathDirect {
			callLead, named, targets = unit, true, others
		}
		if c.Lead != "" {
			if callLead, named = s.dir.resolve(o.call.lead, f), true; callLead == "" {
				d.Unresolved = append(d.Unresolved, c.Lead)
				d.NeedsCatalogReview = true
			}
		}
		if len(c.Targets) > 0 {
			targets = s.units(d, o.call.targets, c.Targets, f)
		}
	}
	d.propose(o.Call, callLead, named, targets, excluded)
	if excluded[d.Lead] || d.Lead == "" {
		d.Excluded, d.Lead, d.Queue = d.Lead, "", true
	}
}

func (d *Decision) override(o *Outcome, f *Facts) {
	if o.Path != "" {
		d.Path = o.Path
	}
	if o.Priority != "" {
		d.Priority = o.Priority
		if f.Priority.Urgent(d.Priority) {
			d.Priority = f.Priority
		}
	}
	if o.Level != "" {
		d.Level = o.Level
	}
	if o.CheckMode != "" {
		d.CheckMode = o.CheckMode
	}
	if len(o.SLA) > 0 {
		d.SLA = slices.Clone(o.SLA)
	}
	if o.Sensitivity != "" {
		d.Sensitivity = o.Sensitivity
	}
	if len(o.LegalBasis) > 0 {
		d.LegalBasis = slices.Clone(o.LegalBasis)
	}
	d.Binding, d.Note, d.DisputeAfter, d.VerifyWithin = o.Binding, o.Note, o.DisputeAfter, o.VerifyWithin
}

// units resolves a list; units the district lacks are noted and left out.
func (s *Set) units(d *Decision, es []expr, names []Expr, f *Facts) []string {
	var out []string
	for i, e := range es {
		if u := s.dir.resolve(e, f); u != "" {
			out = append(out, u)
		} else {
			d.Unresolved = append(d.Unresolved, names[i])
		}
	}
	return out
}

// propose prepares the call. Nobody calls himself: the caller is the lead, or the street of the area.
func (d *Decision) propose(c *ProposedCall, lead string, named bool, targets []string, excluded map[string]bool) {
	call := Call{Level: CallL1}
	caller := d.Lead
	if d.Path == PathDirect {
		caller = d.Owner // on the direct path the department leads and the street calls
	}
	if c != nil {
		call.Level, call.Required, call.Auto = c.Level, c.Required, c.Auto
	}
	if lead != "" && !excluded[lead] && lead != caller {
		call.Lead = lead
	}
	call.Targets = pick(targets, excluded, caller, call.Lead)
	if !named && call.Lead == "" && len(call.Targets) > 0 {
		call.Lead, call.Targets = call.Targets[0], call.Targets[1:]
	}
	if call.Lead != "" || len(call.Targets) > 0 || call.Required {
		d.Proposed = &call
	}
}

// pick drops doubles, excluded units and those that already have a part.
func pick(units []string, excluded map[string]bool, taken ...string) []string {
	out := []string{}
	for _, u := range units {
		if !excluded[u] && !slices.Contains(taken, u) && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

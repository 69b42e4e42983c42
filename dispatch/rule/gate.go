package rule

import "strings"

// gate is what is known of a rule about one matter in one street before its conditions are read: a case elsewhere is told so, and
// the memory of the rule is not touched. A district comes to have thousands of such rules, a case meets all those of its matter, and
// fetching their conditions from memory would be most of what it costs.
type gate struct {
	street uint32 // the only one; 0 = no gate, the rule is read
	step   Step   // of a case elsewhere, but for the street that it is in at the end of Why
}

// streetNumber is a street's code as a number, 0 for anything else.
func streetNumber(code string) uint32 {
	if len(code) != 9 {
		return 0
	}
	n := uint32(0)
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return 0
		}
		n = n*10 + uint32(code[i]-'0')
	}
	return n
}

// gateOf reads the gate of a rule that is examined for a matter: its conditions up to the one on the street must certainly hold.
func gateOf(r *compiled, matter string) (g gate) {
	if r.Scope != "" || r.ValidFrom != nil || r.ValidTo != nil || r.tier == TierFallback || r.when.op != "all" {
		return g
	}
	var why []byte
	for i := range r.when.of {
		switch c := &r.when.of[i]; {
		case c.op == "eq" && c.name == "matter" && c.want[0].s == matter:
			why = c.explain(why, true, c.want[0])
		case c.op == "eq" && c.name == "street":
			why = append(append(append(gap(why), "✗"...), c.show...), '(')
			g.street = streetNumber(c.want[0].s)
			g.step = Step{Rule: r.ID, Version: r.Version, Source: r.Source, Tier: r.tier, Title: r.Title, Shadow: r.Status == StatusShadow, Why: string(why)}
			return g
		default:
			return g
		}
	}
	return g
}

// setGates lays the gates of a matter side by side in memory, their texts in one piece.
func (s *Set) setGates() {
	s.gates = make(map[string][]gate, len(s.byMatter))
	for matter, list := range s.byMatter {
		gates, texts, streets := make([]gate, len(list)), strings.Builder{}, false
		for k, i := range list {
			gates[k] = gateOf(&s.rules[i], matter)
			streets = streets || gates[k].street != 0
			texts.WriteString(gates[k].step.Why)
		}
		if !streets {
			continue
		}
		whole := texts.String()
		for k := range gates {
			n := len(gates[k].step.Why)
			gates[k].step.Why, whole = whole[:n], whole[n:]
		}
		s.gates[matter] = gates
	}
}

// candidates are the rules that a case is examined for, in deciding order.
type candidates struct {
	general, matter, major []int32
	gates                  []gate // of matter, as far as it is still ahead; nil: none
	here                   uint32 // the street of the case
}

func (s *Set) candidates(f *Facts) candidates {
	return candidates{s.general, s.byMatter[f.Matter], s.byMajor[f.major()], s.gates[f.Matter], streetNumber(f.street())}
}

func (c *candidates) len() int { return len(c.general) + len(c.matter) + len(c.major) }

// next is the position of the next rule, -1 when there is none, and its gate when the case lies elsewhere.
func (c *candidates) next() (int32, *gate) {
	ahead := len(c.matter)
	i := first(&c.general, &c.matter, &c.major)
	if c.gates == nil || len(c.matter) == ahead {
		return i, nil
	}
	g := &c.gates[0]
	c.gates = c.gates[1:]
	if g.street == 0 || c.here == 0 || g.street == c.here {
		return i, nil
	}
	return i, g
}

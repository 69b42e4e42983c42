package rule

import (
	"slices"
	"strings"
	"time"
)

// Lack is what a matter lacks in a street.
type Lack string

// The gaps of a coverage report.
const (
	LackRule  Lack = "RULE"  // nothing but the street backstop decides
	LackUnit  Lack = "UNIT"  // whom the rule or the item names, the district does not have
	LackSLA   Lack = "SLA"   // no time of its own: the budget of its priority is promised
	LackBasis Lack = "BASIS" // no legal basis
)

// Cover is how well a matter is covered in a street, as the compiled rules decide.
type Cover struct {
	Item        *Item
	Street      string
	Rule        string // what decides where nothing but matter and place is known
	Lead        string
	Conditional int // rules about the matter or its major, which may decide when more is known
	Gaps        []Lack
}

// Cover asks the rules about a plain report of the matter: by a resident, on a working day at ten, with no answer and no
// component known. communities are those of the street: a lead that is the community's must be there in each.
func (s *Set) Cover(code, street string, communities []string, at time.Time) (c Cover, ok bool) {
	if c.Item, ok = s.catalog.MatterAt(code, "", street, at); !ok {
		return c, false
	}
	f := Facts{Matter: code, Street: street, Source: "RESIDENT", Mode: "NORMAL", ReporterCount: 1, Hour: 10, IsWorkday: true, At: at}
	d := s.Route(f, nil)
	missing := slices.ContainsFunc(d.Unresolved, certain) || d.Owner == ""
	if slices.Contains(d.Unresolved, CommunityOfGrid) {
		missing = missing || len(communities) == 0
		for _, f.Community = range communities {
			d = s.Route(f, nil)
			missing = missing || slices.ContainsFunc(d.Unresolved, certain) || slices.Contains(d.Unresolved, CommunityOfGrid)
		}
	}
	c.Street, c.Rule, c.Lead, c.Conditional = street, d.Rule, d.Lead, len(s.byMatter[code])+len(s.byMajor[f.major()])
	for _, g := range []struct {
		open bool
		gap  Lack
	}{{d.Tier == TierFallback, LackRule}, {missing, LackUnit}, {d.SLA.Handle() == "", LackSLA}, {len(d.LegalBasis) == 0, LackBasis}} {
		if g.open {
			c.Gaps = append(c.Gaps, g.gap)
		}
	}
	return c, true
}

// certain: the expression does not wait for a component, an answer or a community.
func certain(e Expr) bool {
	return e != CommunityOfGrid && e != OwnerOf && e != MaintainerOf && !strings.HasPrefix(string(e), "line:$")
}

package rule

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A case that is turned away at the gate of a rule gets the same decision, with the same words in its trace, as one for which
// every condition was read.
func TestGatesTellTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	streets := []string{"350102001", "350102002", "350102003", "350102004"}
	matters := []string{"06010", "01037", "09012", "24016"}
	from := someDay
	rules := DemoRules()
	for i := range 400 {
		parts := []Predicate{Eq("matter", matters[i%4]), Eq("street", streets[random.IntN(4)]), Eq("land_use", "小区"), {Op: "text_any", Value: []any{"灯"}}}
		random.Shuffle(len(parts), func(a, b int) { parts[a], parts[b] = parts[b], parts[a] })
		r := Rule{ID: fmt.Sprintf("G%03d", i), Version: 1, Status: StatusActive, Source: SourceManual, Priority: i % 7, When: All(parts[:1+random.IntN(4)]...), Then: Outcome{Lead: "unit:D-CG"}}
		switch random.IntN(8) {
		case 0:
			r.Status = StatusShadow
		case 1:
			r.Scope = streets[random.IntN(4)]
		case 2:
			r.ValidFrom = &from
		case 3:
			r.When = In("matter", "06010", "01037")
		case 4:
			r.Cel = "hour > 12"
		case 5:
			r.Tier = TierFallback
		}
		rules = append(rules, r)
	}
	s, err := NewSet(rules, DemoCatalog("350102"), richer())
	require.NoError(t, err)
	bare := *s
	bare.gates = nil
	gated, elsewhere := 0, 0
	for _, list := range s.gates {
		for _, g := range list {
			if g.street != 0 {
				gated++
			}
		}
	}
	require.Greater(t, gated, 20)
	for range 2000 {
		f := at(matters[random.IntN(4)], func(f *Facts) {
			f.Grid = streets[random.IntN(4)] + "001001"
			f.LandUse, f.Hour, f.Text = []string{"道路", "小区"}[random.IntN(2)], random.IntN(24), []string{"", "路灯不亮"}[random.IntN(2)]
			switch random.IntN(6) {
			case 0:
				f.Grid = ""
			case 1:
				f.Grid, f.Street = "", "S1"
			case 2:
				f.At = someDay.AddDate(0, 0, random.IntN(3)-1)
			}
		})
		want, got := bare.Route(f, nil), s.Route(f, nil)
		require.Equal(t, want, got)
		elsewhere += len(got.Trace)
	}
	require.Greater(t, elsewhere, 4000)
	require.Equal(t, uint32(350102004), streetNumber("350102004"))
	require.Zero(t, streetNumber("35010200x"))
	require.Zero(t, streetNumber("3501020040"))
}

package dispatch

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
)

// TestLanesAreTheScope: whoever looks, a list read from its lanes is what asking the scope of each case gives, in the same order,
// page by page; and so are the tasks.
func TestLanesAreTheScope(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.everyState()
	read := func(a auth.Actor, f Filter) (ids []uuid.UUID) {
		for {
			page, err := d.desk.List(t.Context(), a, f)
			require.NoError(t, err)
			for _, r := range page.Rows {
				ids = append(ids, r.ID)
			}
			if f.Cursor = page.Next; page.Next == "" {
				return ids
			}
		}
	}
	seen := map[string]int{}
	both := auth.Actor{District: "350102", Account: uuid.New(), Kind: auth.Staff, Bindings: []auth.Binding{{Role: auth.RoleStreetOfficer, Unit: "S-DJ"}, {Role: auth.RoleGridWorker, Unit: "350102004001", Grids: []string{"350102004001001", "350102004002001"}}, {Role: auth.RoleUtility, Unit: "U-RQ"}}}
	// The unit of a role that sees no cases opens none.
	keeper := auth.Actor{District: "350102", Account: uuid.New(), Kind: auth.Staff, Bindings: []auth.Binding{{Role: auth.RoleTenantAdmin, Unit: "S-DJ"}, {Role: auth.RoleDeptOfficer, Unit: "D-WX"}}}
	for _, p := range append(slices.Clone(crowd), player{name: "three roles", Actor: both}, player{name: "keeper", Actor: keeper}) {
		for _, f := range []Filter{{}, {tasks: true}, {Light: "green"}, {States: []string{"HANDLING", "CLOSED"}}} {
			f.Limit = 3
			byLanes := read(p.Actor, f)
			f.walked = true
			require.Equal(t, read(p.Actor, f), byLanes, "%s %+v", p.name, f)
			require.Len(t, slices.CompactFunc(slices.SortedFunc(slices.Values(byLanes), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }), func(a, b uuid.UUID) bool { return a == b }), len(byLanes), p.name)
			if claimsOf(p.Actor).inLanes() {
				seen[map[bool]string{true: "tasks", false: "cases"}[f.tasks]] += len(byLanes)
			}
		}
	}
	require.Greater(t, seen["cases"], 100)
	require.Greater(t, seen["tasks"], 10)
}

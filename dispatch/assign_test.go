package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// Who may give a duty to whom, and what ends it.
func TestAssign(t *testing.T) {
	t.Parallel()
	w := fixtureWorld()
	sc := scenes()[len(scenes())-1]
	for _, one := range scenes() {
		if one.name == "handling" {
			sc = one
		}
	}
	try := func(s *Snapshot, p player, act Action, body map[string]any) (*Change, string) {
		cmd, err := command(act, body)
		require.NoError(t, err)
		change, err := Decide(w, s, &cmd, p.Actor, sc.now.Add(time.Minute))
		if err != nil {
			f, ok := fault.As(err)
			require.True(t, ok, err)
			return nil, f.Code
		}
		return change, ""
	}
	officer, to := worker("so", auth.RoleStreetOfficer, "S-DJ"), map[string]any{"account": idOf("member").String()}
	s := sc.seenBy(officer)
	given, code := try(s, officer, ActAssign, to)
	require.Empty(t, code)
	require.Equal(t, s.Case.State, given.Case.State)
	require.Empty(t, given.Clocks, "no clock moves")
	require.Empty(t, given.Handlers, "who has it has not handled yet, and may check what others do")
	require.Equal(t, idOf("member"), *given.Assignments[0].Handler)
	for name, p := range map[string]player{"NOT_YOURS": worker("gw", auth.RoleGridWorker, "S-DJ"), "NOT_YOURS ": worker("cg", auth.RoleDeptOfficer, "D-CG")} {
		_, code := try(s, p, ActAssign, to)
		require.Equal(t, name[:9], code)
	}
	after := given.After()
	_, code = try(after, officer, ActAssign, to)
	require.Equal(t, "ALREADY_ASSIGNED", code)
	for what, p := range map[string]Person{
		"of another unit": {ID: idOf("x"), Active: true, Bindings: []auth.Binding{{Role: auth.RoleStreetOfficer, Unit: "S-WQ"}}},
		"closed":          {ID: idOf("x"), Bindings: []auth.Binding{{Role: auth.RoleStreetOfficer, Unit: "S-DJ"}}},
		"an auditor":      {ID: idOf("x"), Active: true, Bindings: []auth.Binding{{Role: auth.RoleAuditor, Unit: "S-DJ"}}},
		"not found":       {ID: idOf("y"), Active: true, Bindings: []auth.Binding{{Role: auth.RoleStreetOfficer, Unit: "S-DJ"}}},
	} {
		c := *s
		c.People = []Person{p}
		_, code := try(&c, officer, ActAssign, map[string]any{"account": idOf("x").String()})
		require.Equal(t, "NOT_IN_UNIT", code, what)
	}
	after.MediaOwned = 1
	back, code := try(after, officer, ActReturn, map[string]any{"legal_basis": "依据", "suggested_unit": "D-CG", "reason": "不归我管"})
	require.Empty(t, code)
	require.Equal(t, "RETURNED", back.Assignments[0].State)
	require.Nil(t, back.Assignments[0].Handler, "a return ends it")
}

package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"yixian/internal/auth"
)

// districtRoles see every case of their district (domain 4f).
var districtRoles = []auth.Role{auth.RoleDispatcher, auth.RoleSupervisor, auth.RoleCommander, auth.RoleAuditor}

// scope is the one predicate that says which cases (alias c) an actor sees. Lists, details, search, figures and
// the stream all use it. n is the number of the first placeholder it may take. Deny by default.
func scope(a auth.Actor, n int) (string, []any) { return scopeBy(a, n, partyAny) }

// How a unit's claim to a case is asked for; the first %s is the units, the second what else the claim must be. PostgreSQL answers
// partyAny with a set of all the unit's cases where many cases are asked about, which is right for figures and loses for a page:
// partyOne looks once for each case on the way, as a list in an order meets one of the unit's soon, and partyAll takes the unit's
// cases first ($1 is the district), for the few who see so few that an order would be walked to its end. The usual order, by due,
// needs none of them: see lanes.
const (
	partyAny = "exists (select 1 from case_party cp where cp.district = c.district and cp.case_id = c.id and cp.unit = any(%s)%s)"
	partyOne = "coalesce((select true from case_party cp where cp.district = c.district and cp.case_id = c.id and cp.unit = any(%s)%s limit 1), false)"
	partyAll = "c.id = any(array(select cp.case_id from case_party cp where cp.district = $1 and cp.unit = any(%s)%s))"
)

// pageParty is the way for one page of a list.
func pageParty(a auth.Actor) string {
	for _, b := range a.Bindings {
		if b.Role != auth.RoleGridWorker {
			return partyOne
		}
	}
	return partyAll
}

// claims are the grounds on which somebody sees cases: all of the district's, or those of any of the others. units see by an
// assignment or a call, openUnits while it lasts.
type claims struct {
	all                                           bool
	disputed, closed, own                         bool // by an arbitrator, by who calls back, by who took the report
	streets, communities, grids, units, openUnits []string
}

func claimsOf(a auth.Actor) (c claims) {
	if a.Kind == auth.System {
		c.all = true
	}
	if a.Kind != auth.Staff {
		return c
	}
	for _, b := range a.Bindings {
		switch {
		case slices.Contains(districtRoles, b.Role):
			return claims{all: true}
		case b.Role == auth.RoleArbitrator:
			c.disputed = true
		case b.Role == auth.RoleHotline:
			c.own = true
		case b.Role == auth.RoleCallback:
			c.closed = true
		case b.Role == auth.RoleUtility || b.Role == auth.RoleProperty || b.Role == auth.RoleNGO:
			c.openUnits = append(c.openUnits, b.Unit)
		case b.Role == auth.RoleStreetOfficer || b.Role == auth.RoleStreetLeader || b.Role == auth.RoleStreetSecretary:
			c.streets, c.units = append(c.streets, b.Unit), append(c.units, b.Unit)
		case b.Role == auth.RoleCommunityOfficer:
			c.communities, c.units = append(c.communities, b.Unit), append(c.units, b.Unit)
		case b.Role == auth.RoleGridWorker:
			c.grids, c.units = append(c.grids, b.Grids...), append(c.units, b.Unit)
		case b.Role == auth.RoleDeptOfficer || b.Role == auth.RoleDeptLeader:
			c.units = append(c.units, b.Unit)
		}
	}
	return c
}

// scopeBy is scope with the way in which claims are asked for.
func scopeBy(a auth.Actor, n int, party string) (string, []any) {
	c := claimsOf(a)
	if c.all {
		return "true", nil
	}
	var conds []string
	var args []any
	by := func(cond string, v any) {
		args = append(args, v)
		conds = append(conds, fmt.Sprintf(cond, fmt.Sprintf("$%d", n+len(args)-1)))
	}
	if c.disputed {
		conds = append(conds, "c.disputed_at is not null")
	}
	if c.own {
		by("c.intake_account = %s", a.Account)
	}
	if c.closed {
		conds = append(conds, "c.state = 'CLOSED'")
	}
	for _, one := range []struct { // columns of the case before what lies beside it
		cond   string
		values []string
	}{{"c.grid_code = any(%s)", c.grids}, {"c.owner_unit = any(%s)", c.streets}, {"c.community_code = any(%s)", c.communities},
		{fmt.Sprintf(party, "%s", ""), c.units}, {fmt.Sprintf(party, "%s", " and cp.open"), c.openUnits}} {
		if len(one.values) > 0 {
			by(one.cond, one.values)
		}
	}
	if len(conds) == 0 {
		return "false", nil
	}
	return "(" + strings.Join(conds, " or ") + ")", args
}

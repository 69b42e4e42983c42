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
// cases first ($1 is the district), for the few who see so few that an order would be walked to its end.
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

// scopeBy is scope with the way in which claims are asked for.
func scopeBy(a auth.Actor, n int, party string) (string, []any) {
	if a.Kind == auth.System {
		return "true", nil
	}
	if a.Kind != auth.Staff {
		return "false", nil
	}
	var conds []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", n+len(args)-1)
	}
	var units, openUnits, streets, communities []string
	for _, b := range a.Bindings {
		switch {
		case slices.Contains(districtRoles, b.Role):
			return "true", nil
		case b.Role == auth.RoleArbitrator:
			conds = append(conds, "c.disputed_at is not null")
		case b.Role == auth.RoleHotline:
			conds = append(conds, "c.intake_account = "+arg(a.Account))
		case b.Role == auth.RoleCallback:
			conds = append(conds, "c.state = 'CLOSED'")
		case b.Role == auth.RoleUtility || b.Role == auth.RoleProperty || b.Role == auth.RoleNGO:
			openUnits = append(openUnits, b.Unit)
		case b.Role == auth.RoleStreetOfficer || b.Role == auth.RoleStreetLeader || b.Role == auth.RoleStreetSecretary:
			streets, units = append(streets, b.Unit), append(units, b.Unit)
		case b.Role == auth.RoleCommunityOfficer:
			communities, units = append(communities, b.Unit), append(units, b.Unit)
		case b.Role == auth.RoleGridWorker:
			if len(b.Grids) > 0 {
				conds = append(conds, "c.grid_code = any("+arg(b.Grids)+")")
			}
			units = append(units, b.Unit)
		case b.Role == auth.RoleDeptOfficer || b.Role == auth.RoleDeptLeader:
			units = append(units, b.Unit)
		}
	}
	if len(streets) > 0 { // columns of the case before what lies beside it
		conds = append(conds, "c.owner_unit = any("+arg(streets)+")")
	}
	if len(communities) > 0 {
		conds = append(conds, "c.community_code = any("+arg(communities)+")")
	}
	if len(units) > 0 {
		conds = append(conds, fmt.Sprintf(party, arg(units), ""))
	}
	if len(openUnits) > 0 {
		conds = append(conds, fmt.Sprintf(party, arg(openUnits), " and cp.open"))
	}
	if len(conds) == 0 {
		return "false", nil
	}
	return "(" + strings.Join(conds, " or ") + ")", args
}

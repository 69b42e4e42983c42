package dispatch

import (
	"slices"

	"yixian/internal/auth"
)

// lane is one source of the cases of a page in an order: a table or two with the case as c, what holds there, and the order by
// key and id, which an index has. A page is the first of what its lanes hold, each case once.
type lane struct {
	from, key, id string
	conds         []string
}

const (
	dueKey    = "coalesce(c.due_at, 'infinity')"
	fromClaim = "case_party cp join cases c on c.district = cp.district and c.id = cp.case_id"
	// mostLanes is for people with so many grids and units that one walk along the district's order is cheaper.
	mostLanes = 40
)

func caseLane(key string, conds ...string) lane { return lane{"cases c", key, "c.id", conds} }

func claimLane(conds ...string) lane {
	return lane{fromClaim, "coalesce(cp.due_at, 'infinity')", "cp.case_id", append([]string{"cp.district = $1"}, conds...)}
}

// inLanes reports whether all that an actor sees can be read in the order of due.
func (c claims) inLanes() bool {
	n := len(c.streets) + len(c.communities) + len(c.grids) + len(c.units) + len(c.openUnits)
	return !c.all && !c.disputed && !c.closed && !c.own && n > 0 && n <= mostLanes
}

func each(values []string, arg func(any) string, lanes []lane, of func(v string) lane) []lane {
	for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
		lanes = append(lanes, of(arg(v)))
	}
	return lanes
}

// lanes are the cases that an actor sees, in the order of due: the union is the actor's scope to the letter. Without inLanes the
// scope must be asked of each case.
func lanes(a auth.Actor, arg func(any) string) (out []lane) {
	c := claimsOf(a)
	out = each(c.streets, arg, out, func(v string) lane { return caseLane(dueKey, "c.owner_unit = "+v) })
	out = each(c.communities, arg, out, func(v string) lane { return caseLane(dueKey, "c.community_code = "+v) })
	out = each(c.grids, arg, out, func(v string) lane { return caseLane(dueKey, "c.grid_code = "+v) })
	out = each(c.units, arg, out, func(v string) lane { return claimLane("cp.unit = " + v) })
	return each(c.openUnits, arg, out, func(v string) lane { return claimLane("cp.unit = "+v, "cp.open") })
}

// taskLanes are the tasks of an actor who sees by unit or place, each lane with what makes a task of its cases. Who leads, assists,
// was called or checks is an open party of the case; an order, a call of one's own and what waits in a grid to be looked
// at need no claim and are few. scope is asked where the lane does not imply it.
func taskLanes(a auth.Actor, arg func(any) string, ask tasksSQL, scope string) []lane {
	c := claimsOf(a)
	out := each(slices.Concat(c.units, c.openUnits), arg, nil, func(v string) lane { return claimLane("cp.unit = "+v, "cp.open", either(ask.duty()...)) })
	few := func(conds ...string) { out = append(out, caseLane(dueKey, conds...)) }
	few(scope, ask.order())
	if len(c.grids) > 0 {
		few("c.grid_code = any("+arg(c.grids)+")", either(ask.toCheck(), "c.state = 'VERIFYING'"))
	}
	if len(c.streets) > 0 {
		few("c.owner_unit = any("+arg(c.streets)+")", "c.id = any(array(select k.case_id from call k where k.district = $1 and k.state = 'OPEN' union all select q.case_id from case_request q where q.district = $1 and q.state = 'PENDING' and q.kind = 'CALL'))", ask.call())
	}
	return out
}

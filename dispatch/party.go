package dispatch

import (
	"slices"

	"yixian/internal/auth"
)

// unitRoles are the roles that make somebody one of a unit's people, officers before leaders.
var unitRoles = []auth.Role{
	auth.RoleGridWorker, auth.RoleCommunityOfficer, auth.RoleStreetOfficer, auth.RoleDeptOfficer, auth.RoleUtility, auth.RoleProperty, auth.RoleNGO,
	auth.RoleStreetLeader, auth.RoleStreetSecretary, auth.RoleDeptLeader,
}

// giverRoles may give a duty of their unit to one of its people: its officers and leaders.
var giverRoles = slices.Concat(officerRoles, leaderRoles)

var leaderRoles = []auth.Role{auth.RoleStreetLeader, auth.RoleStreetSecretary, auth.RoleDeptLeader}

// callLevels says up to which level a street's role may call (T14: officer L1, leader L2, secretary L3).
var callLevels = map[auth.Role]string{auth.RoleStreetOfficer: "L1", auth.RoleStreetLeader: "L2", auth.RoleStreetSecretary: "L3"}

var checkerRoles = []auth.Role{auth.RoleGridWorker, auth.RoleCommunityOfficer, auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary}

// standing is the role and unit in which an actor does something; it is written into the event.
type standing struct {
	Role auth.Role
	Unit string
}

// as tells in which standing the actor has the relation to the case; ok is false when it has not.
func (s *Snapshot) as(who Who, a auth.Actor) (standing, bool) {
	in := func(unit string, roles []auth.Role) (standing, bool) {
		if unit == "" {
			return standing{}, false
		}
		r := a.In(unit, roles...)
		return standing{r, unit}, r != ""
	}
	district := func(r auth.Role) (standing, bool) { return standing{r, a.Unit()}, a.Has(r) }
	switch who {
	case BySystem:
		return standing{Role: auth.RoleSystem}, a.Kind == auth.System
	case ByDispatcher:
		return district(auth.RoleDispatcher)
	case BySupervisor:
		return district(auth.RoleSupervisor)
	case ByArbitrator:
		return district(auth.RoleArbitrator)
	case ByCommander:
		return district(auth.RoleCommander)
	case ByCallback:
		return district(auth.RoleCallback)
	case ByReporter:
		return standing{Role: auth.RoleResident}, s.ReportID != nil
	case ByLeadUnit:
		return in(s.Case.LeadUnit, unitRoles)
	case ByCaller:
		return in(s.callerUnit(), []auth.Role{auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary})
	case ByTarget:
		for _, t := range s.Targets {
			if c := s.call(t.CallID); c != nil && (c.State == "OPEN" || c.State == "ONSITE") && !t.Withdrawn {
				if st, ok := in(t.Unit, unitRoles); ok {
					return st, true
				}
			}
		}
		return standing{}, false
	case ByContactUnit:
		if st, ok := in(s.Case.LeadUnit, unitRoles); ok {
			return st, true
		}
		for _, t := range s.Targets {
			if t.CheckedInAt != nil {
				if st, ok := in(t.Unit, unitRoles); ok {
					return st, true
				}
			}
		}
		return standing{}, false
	case ByChecker:
		return s.asChecker(a)
	case ByVerifier:
		for _, b := range a.Bindings {
			if b.Role == auth.RoleGridWorker && slices.Contains(b.Grids, s.Case.GridCode) {
				return standing{b.Role, b.Unit}, true
			}
		}
		return standing{}, false
	case BySupervised:
		for _, r := range s.Requests {
			if r.order() && r.State == "PENDING" {
				if st, ok := in(r.Unit, unitRoles); ok {
					return st, true
				}
			}
		}
		return standing{}, false
	case ByAssist:
		for _, x := range s.Assignments {
			if x.Kind == "ASSIST" && x.Active() {
				if st, ok := in(x.Unit, unitRoles); ok {
					return st, true
				}
			}
		}
		return standing{}, false
	case ByUnitOfficer:
		if st, ok := in(s.Case.LeadUnit, giverRoles); ok {
			return st, true
		}
		for _, x := range s.Assignments {
			if x.Kind == "ASSIST" && x.Active() {
				if st, ok := in(x.Unit, giverRoles); ok {
					return st, true
				}
			}
		}
		return standing{}, false
	case ByCommunity:
		for _, b := range a.Bindings {
			if b.Role == auth.RoleCommunityOfficer && b.Unit != "" && b.Unit == s.communityUnit() {
				return standing{b.Role, b.Unit}, true
			}
		}
		return standing{}, false
	case ByRevealer:
		return s.asRevealer(a)
	case ByStaff:
		if a.Kind != auth.Staff {
			return standing{}, false
		}
		for _, b := range a.Bindings { // whose role never sees a case writes nothing on one, wherever the scope ends
			if one := (auth.Actor{Bindings: []auth.Binding{b}}); !one.SeesNoCase() {
				return standing{b.Role, b.Unit}, true
			}
		}
	}
	return standing{}, false
}

// asChecker: the unit that holds the check task, or the worker of the grid. Separation of duties is a guard of
// its own (check.go), so that a handler is told why.
func (s *Snapshot) asChecker(a auth.Actor) (standing, bool) {
	if r := a.In(s.Case.CheckUnit, checkerRoles...); r != "" {
		return standing{r, s.Case.CheckUnit}, true
	}
	for _, b := range a.Bindings {
		if b.Role == auth.RoleGridWorker && slices.Contains(b.Grids, s.Case.GridCode) {
			return standing{b.Role, b.Unit}, true
		}
	}
	return standing{}, false
}

// callerUnit is the street that may call: the lead while it leads, the coordinator afterwards; of a call that the program
// made, the street of the place.
func (s *Snapshot) callerUnit() string {
	if u := s.coordinator(); u != "" {
		return u
	}
	if s.Case.LeadUnit == s.Case.OwnerUnit {
		return s.Case.OwnerUnit
	}
	for _, c := range slices.Backward(s.Calls) {
		if c.State != "WITHDRAWN" {
			return c.CallerUnit
		}
	}
	return ""
}

// coordinator is the street that called and handed the lead over; "" when there is none.
func (s *Snapshot) coordinator() string {
	for _, a := range s.Assignments {
		if a.Kind == "COORDINATOR" && a.State != "CANCELLED" {
			return a.Unit
		}
	}
	return ""
}

// communityUnit is the unit that answers for the community of the case; area and unit codes of communities are the same.
func (s *Snapshot) communityUnit() string { return s.Case.CommunityCode }

func (s *Snapshot) call(id any) *Call {
	for i := range s.Calls {
		if s.Calls[i].ID == id {
			return &s.Calls[i]
		}
	}
	return nil
}

// openCall is the call in progress, if there is one.
func (s *Snapshot) openCall() *Call {
	for i := range s.Calls {
		if st := s.Calls[i].State; st == "OPEN" || st == "ONSITE" {
			return &s.Calls[i]
		}
	}
	return nil
}

// lead is the assignment that answers for the case now.
func (s *Snapshot) lead() *Assignment {
	for i := range s.Assignments {
		a := &s.Assignments[i]
		if a.Kind == "LEAD" && (a.Active() || a.State == "RESOLVED") {
			return a
		}
	}
	return nil
}

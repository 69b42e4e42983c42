// Package auth owns who somebody is and what they may ask for: accounts, passwords, one-time codes, sessions,
// the Actor that every command and query carries, and the permissions of roles. It does not know cases: which
// case an actor may see is one SQL predicate in dispatch.
package auth

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Kind tells a device session from a resident, a member of staff and the program itself.
type Kind string

const (
	Guest    Kind = "GUEST"
	Resident Kind = "RESIDENT"
	Staff    Kind = "STAFF"
	System   Kind = "SYSTEM"
	Partner  Kind = "PARTNER" // another system with an API key
	Device   Kind = "DEVICE"  // a sensor with its key
)

// Role is a role of domain 4f.
type Role string

const (
	RoleResident         Role = "RESIDENT"
	RoleGridWorker       Role = "GRID_WORKER"
	RoleCommunityOfficer Role = "COMMUNITY_OFFICER"
	RoleStreetOfficer    Role = "STREET_OFFICER"
	RoleStreetLeader     Role = "STREET_LEADER"
	RoleStreetSecretary  Role = "STREET_SECRETARY"
	RoleDeptOfficer      Role = "DEPT_OFFICER"
	RoleDeptLeader       Role = "DEPT_LEADER"
	RoleUtility          Role = "UTILITY"
	RoleProperty         Role = "PROPERTY"
	RoleNGO              Role = "NGO"
	RoleDispatcher       Role = "DISPATCHER"
	RoleArbitrator       Role = "ARBITRATOR"
	RoleHotline          Role = "HOTLINE"
	RoleCallback         Role = "CALLBACK"
	RoleSupervisor       Role = "SUPERVISOR"
	RoleCommander        Role = "COMMANDER"
	RoleAuditor          Role = "AUDITOR"
	RoleTenantAdmin      Role = "TENANT_ADMIN"
	RoleCityViewer       Role = "CITY_VIEWER"
	RolePartner          Role = "PARTNER"
	RoleDevice           Role = "DEVICE"
	RoleSystem           Role = "SYSTEM"
)

// Binding gives an account a role, for unit-bound roles in one unit (a unit's people are those bound to exactly it).
type Binding struct {
	Role  Role     `json:"role"`
	Unit  string   `json:"unit"`
	Grids []string `json:"grids"`
	Post  string   `json:"post,omitempty"` // of the unit's posts; says nothing about what the person may do
}

// Actor is who acts, as one look-up of the session saw it. Now is PostgreSQL's instant of that look-up.
type Actor struct {
	District string
	Account  uuid.UUID // zero for a guest and for the program itself
	Device   uuid.UUID
	Kind     Kind
	Username string
	Name     string // display name of staff; empty for residents
	Bindings []Binding
	StepUpAt *time.Time
	Now      time.Time
	Grant    *Grant // of a partner only
	session  []byte // sha-256 of the token
}

// SystemActor is the program acting by a rule or a clock.
func SystemActor(district string, now time.Time) Actor {
	return Actor{District: district, Kind: System, Bindings: []Binding{{Role: RoleSystem}}, Now: now}
}

// Has reports whether the actor holds one of the roles.
func (a Actor) Has(roles ...Role) bool {
	return slices.ContainsFunc(a.Bindings, func(b Binding) bool { return slices.Contains(roles, b.Role) })
}

// In returns the actor's role among roles held in the unit; "" when there is none. Earlier roles win.
func (a Actor) In(unit string, roles ...Role) Role {
	for _, r := range roles {
		for _, b := range a.Bindings {
			if b.Role == r && b.Unit == unit {
				return r
			}
		}
	}
	return ""
}

// Units lists the units of the actor's bindings, each once.
func (a Actor) Units() []string {
	var out []string
	for _, b := range a.Bindings {
		if b.Unit != "" && !slices.Contains(out, b.Unit) {
			out = append(out, b.Unit)
		}
	}
	return out
}

// Unit is the unit the actor mainly works for ("" for residents and district roles without one).
func (a Actor) Unit() string {
	if u := a.Units(); len(u) > 0 {
		return u[0]
	}
	return ""
}

// Grids lists the grids the actor is worker of.
func (a Actor) Grids() []string {
	var out []string
	for _, b := range a.Bindings {
		for _, g := range b.Grids {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// ID names the actor in events: the account's id, SYSTEM, or the device of a guest.
func (a Actor) ID() string {
	switch {
	case a.Kind == System:
		return "SYSTEM"
	case a.Account != uuid.Nil:
		return a.Account.String()
	default:
		return "device:" + a.Device.String()
	}
}

// Session is the hash of the session's token (nil when the actor has none).
func (a Actor) Session() []byte { return a.session }

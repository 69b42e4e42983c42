package dispatch

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
)

var update = flag.Bool("update", false, "write the generated page docs/states.md instead of comparing it")

const statesPage = "../docs/states.md"

// docs/states.md is drawn from the table that decides: a change of the lifecycle shows up as a difference of the page.
func TestStates(t *testing.T) {
	t.Parallel()
	page := drawStates()
	if *update {
		require.NoError(t, os.WriteFile(statesPage, []byte(page), 0o644))
	}
	stored, err := os.ReadFile(statesPage)
	require.NoError(t, err, "run: go test ./dispatch -run TestStates -update")
	require.Equal(t, string(stored), page, "docs/states.md is stale, run: go test ./dispatch -run TestStates -update")
}

func drawStates() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", "\\|")
		}
		line("| %s |", strings.Join(cells, " | "))
	}
	head := func(cells ...string) {
		row(slices.Clone(cells)...)
		line("|%s", strings.Repeat("---|", len(cells)))
	}
	line("# States and actions of a case\n")
	line("Generated from `dispatch/lifecycle.go`, `party.go`, `clock.go` and `words.go` by `go test ./dispatch -run TestStates -update`; a test compares it. Do not edit.\n")

	line("## Diagram\n\nSolid arrows are built, dotted ones are declared and answer 501 `NOT_BUILT`. Actions that keep the state are in the table below.\n")
	line("```mermaid\nflowchart LR")
	for _, s := range States {
		line("  %s[\"%s<br/>%s\"]", s, s, StateText(s, "zh"))
	}
	line("  NONE((\" \"))")
	for _, t := range Lifecycle {
		if t.To == None {
			continue
		}
		arrow := "-.->"
		if t.Built {
			arrow = "-->"
		}
		for _, from := range t.From {
			if from != t.To {
				line("  %s %s|%s %s| %s", orNone(from), arrow, t.No, t.Action, t.To)
			}
		}
	}
	line("```\n")

	line("## The 15 states\n")
	head("state", "zh", "en", "resident reads", "resident reads (en)", "step", "somebody owes something", "terminal")
	for _, s := range States {
		r := residentWords[s]
		row("`"+string(s)+"`", StateText(s, "zh"), StateText(s, "en"), strings.ReplaceAll(r.zh, "%s", "…"), strings.ReplaceAll(r.en, "%s", "…"), fmt.Sprint(r.step), yes(slices.Contains(Active, s)), yes(s.Terminal()))
	}

	line("\n## Transitions T1–T31 and side actions\n")
	head("No", "from", "to", "action", "zh", "en", "who", "guards", "built")
	for _, t := range Lifecycle {
		who := make([]string, len(t.By))
		for i, w := range t.By {
			who[i] = string(w)
		}
		row(t.No, statesText(t.From), toText(t), "`"+string(t.Action)+"`", ActionText(t.Action, "zh"), ActionText(t.Action, "en"), strings.Join(who, ", "), t.Guards, yes(t.Built))
	}
	line("\nBesides, a clock that rings appends `%s` (%s) by the program; nobody can ask for it.", ActClockDue, ActionText(ActClockDue, "en"))

	drawObserved(line, row, head)

	line("\n## Fields of the actions\n\nEvery action takes `version` (409 `STALE` when it is not the current one) and `note`. Other fields are refused with 422.\n")
	head("action", "field", "zh", "en", "type", "required", "options")
	for _, act := range actionsInOrder() {
		for _, f := range fieldsOf[act] {
			row("`"+string(act)+"`", "`"+f.Name+"`", FieldText(f.Name, "zh"), FieldText(f.Name, "en"), f.Type, yes(f.Required), strings.Join(f.Options, ", "))
		}
	}

	line("\n## Clocks\n\nBudgets: N natural, W working; M minutes, H hours, D days. An empty cell: the clock does not exist there. HANDLE is the item's own budget where it has one.\n")
	head("clock", "P1", "P2", "P3", "P4", "rings at % (unit)", "rings at % (case)")
	for _, k := range clockKinds {
		unit, own := &Clock{Kind: k, OwnerType: "ASSIGNMENT"}, &Clock{Kind: k, OwnerType: "CASE"}
		row(string(k), DefaultStages[k][P1], DefaultStages[k][P2], DefaultStages[k][P3], DefaultStages[k][P4], fmt.Sprint(unit.rings()), fmt.Sprint(own.rings()))
	}

	line("\n## Who is who\n\nAsked of the code with a case led by one unit, owned by a street, called to a third and checked by a fourth: which roles fulfil each relation, and in which unit.\n")
	head("relation", "fulfilled by", "in")
	for _, who := range everyWho() {
		roles, in := fulfilledBy(who)
		row(string(who), strings.Join(roles, ", "), in)
	}
	return b.String()
}

var clockKinds = []ClockKind{ClockAccept, ClockVerify, ClockSign, ClockContact, ClockReturn, ClockAck, ClockCheckin, ClockHandle, ClockCheck, ClockArbitrate, ClockReply, ClockRating, ClockCallback}

var everyRole = []auth.Role{
	auth.RoleGridWorker, auth.RoleCommunityOfficer, auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary, auth.RoleDeptOfficer, auth.RoleDeptLeader, auth.RoleUtility,
	auth.RoleProperty, auth.RoleNGO, auth.RoleDispatcher, auth.RoleArbitrator, auth.RoleHotline, auth.RoleCallback, auth.RoleSupervisor, auth.RoleCommander, auth.RoleAuditor, auth.RoleTenantAdmin, auth.RoleCityViewer,
}

// everyWho lists the relations in the order in which the table first names them.
func everyWho() []Who {
	var out []Who
	for _, t := range Lifecycle {
		for _, w := range t.By {
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

func actionsInOrder() []Action {
	var out []Action
	for _, t := range Lifecycle {
		if !slices.Contains(out, t.Action) {
			out = append(out, t.Action)
		}
	}
	return out
}

// fulfilledBy asks Snapshot.as. A relation that no role holds is the program's, the reporter's, or not built.
func fulfilledBy(who Who) (roles []string, in string) {
	call, now := uuid.New(), morning
	s := &Snapshot{
		Case:        Case{LeadUnit: "the lead unit", OwnerUnit: "the street", CheckUnit: "the checking unit", GridCode: "its grid"},
		Assignments: []Assignment{{Kind: "LEAD", Unit: "the lead unit", State: "SIGNED"}, {Kind: "COORDINATOR", Unit: "the street", State: "SIGNED"}},
		Calls:       []Call{{ID: call, State: "ONSITE"}},
		Targets:     []CallTarget{{CallID: call, Unit: "a called unit", CheckedInAt: &now}},
	}
	places := []string{"the lead unit", "the street", "a called unit", "the checking unit", "elsewhere"}
	var where []string
	for _, role := range everyRole {
		held := false
		for _, unit := range places {
			b := auth.Binding{Role: role, Unit: unit}
			if unit == "elsewhere" && role == auth.RoleGridWorker {
				b.Grids = []string{"its grid"}
			}
			if _, ok := s.as(who, auth.Actor{Kind: auth.Staff, Bindings: []auth.Binding{b}}); ok {
				held = true
				if b.Grids != nil {
					unit = "the grid's worker"
				}
				if !slices.Contains(where, unit) {
					where = append(where, unit)
				}
			}
		}
		if held {
			roles = append(roles, string(role))
		}
	}
	if _, ok := s.as(who, auth.SystemActor("", morning)); ok {
		return []string{string(auth.RoleSystem)}, "the program"
	}
	s.ReportID = &call
	if _, ok := s.as(who, auth.Actor{Kind: auth.Resident}); ok {
		return []string{string(auth.RoleResident)}, "known by session, receipt code and phone, or link"
	}
	switch {
	case who == BySubmitter:
		return []string{string(auth.RoleResident), "staff with `report.submit`"}, "the permission of the route (docs/permissions.md)"
	case len(roles) == 0:
		return []string{"nobody yet"}, ""
	case slices.Contains(where, "elsewhere") && len(where) == len(places):
		return roles, "the district"
	}
	return roles, strings.Join(where, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func orNone(s State) string {
	if s == None {
		return "NONE"
	}
	return string(s)
}

func statesText(list []State) string {
	if list == nil {
		return "any"
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
		if s == None {
			out[i] = "∅"
		}
	}
	return strings.Join(out, ", ")
}

func toText(t Transition) string {
	if t.To == None {
		return "–"
	}
	return string(t.To)
}

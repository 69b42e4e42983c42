package dispatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// observed is what the code does with one action in one state, found by deciding every scene for the whole cast: what it
// becomes, who may, which guards refuse whoever may, and what happens to the clocks.
type observed struct {
	to, roles, guards, clocks map[string]bool
}

type stateAction struct {
	from State
	act  Action
}

var observations = sync.OnceValue(func() map[stateAction]*observed {
	w := fixtureWorld()
	out := map[stateAction]*observed{}
	for _, sc := range scenes() {
		for _, wait := range []time.Duration{time.Minute, 40 * 24 * time.Hour} { // once at once, once when every window is over
			now := sc.now.Add(wait)
			for _, act := range actionsInOrder() {
				if _, known := verbs[act]; !known {
					continue
				}
				cmd, err := command(act, fullBody(act, sc.s, now))
				if err != nil {
					continue
				}
				for _, p := range cast() {
					s := sc.seenBy(p)
					if _, err := Permit(s, act, p.Actor); err != nil {
						continue
					}
					key := stateAction{sc.s.Case.State, act}
					o := out[key]
					if o == nil {
						o = &observed{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
						out[key] = o
					}
					o.roles[roleOf(p)] = true
					change, err := Decide(w, s, &cmd, p.Actor, now)
					if err != nil {
						if f, ok := fault.As(err); ok {
							o.guards[f.Code] = true
						}
						continue
					}
					o.to[string(change.Case.State)] = true
					for _, c := range clockMoves(sc.s, change.After()) {
						o.clocks[c] = true
					}
				}
			}
		}
	}
	return out
})

func roleOf(p player) string {
	switch {
	case p.Kind == auth.System:
		return string(auth.RoleSystem)
	case p.reporter:
		return "REPORTER"
	case len(p.Bindings) > 0:
		return string(p.Bindings[0].Role)
	}
	return "–"
}

// clockMoves tells what became of each kind of clock: + started, − stopped, ‖ paused, ▶ resumed, ↔ its budget changed.
func clockMoves(before, after *Snapshot) []string {
	was := map[string]Clock{}
	for _, k := range before.Clocks {
		was[k.ID.String()] = k
	}
	moves := map[string]bool{}
	for _, k := range after.Clocks {
		old, known := was[k.ID.String()]
		name := string(k.Kind)
		switch {
		case !known && k.State != "STOPPED":
			moves["+"+name] = true
		case !known, old.State == k.State && old.BudgetS == k.BudgetS:
		case k.State == "STOPPED":
			moves["−"+name] = true
		case old.State != k.State && k.State == "PAUSED":
			moves["‖"+name] = true
		case old.State != k.State && k.State == "RUNNING":
			moves["▶"+name] = true
		default:
			moves["↔"+name] = true
		}
	}
	return slices.Sorted(maps.Keys(moves))
}

// drawObserved draws state × action × role × guard × clock, and the matrix of roles beside it.
func drawObserved(line func(string, ...any), row, head func(...string)) {
	all := observations()
	sorted := func(m map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(m)), ", ") }
	line("\n## State × action × role × guard × clock\n\nFound by running the code: %d cases in all 15 states, every action with a complete body, everybody of the cast, a minute and 40 days later. *Becomes* is empty where no scene lets it through. "+
		"Guards are the codes by which somebody who may act was refused. Clocks: + started, − stopped, ‖ paused, ▶ resumed, ↔ another budget.\n", len(scenes()))
	head("state", "action", "becomes", "roles", "guards", "clocks")
	for _, s := range States {
		for _, act := range actionsInOrder() {
			if o := all[stateAction{s, act}]; o != nil {
				row("`"+string(s)+"`", "`"+string(act)+"`", sorted(o.to), sorted(o.roles), sorted(o.guards), sorted(o.clocks))
			}
		}
	}
	roles := []string{"REPORTER"}
	for _, r := range everyRole {
		roles = append(roles, string(r))
	}
	roles = append(roles, string(auth.RoleSystem))
	line("\n### Roles × actions\n\nThe same runs, by role: the number of states in which somebody of the role may try the action on a case that is theirs. Routes are in [permissions](permissions.md).\n")
	head(append([]string{"action"}, roles...)...)
	for _, act := range actionsInOrder() {
		cells := []string{"`" + string(act) + "`"}
		ever := false
		for _, r := range roles {
			n := 0
			for _, s := range States {
				if o := all[stateAction{s, act}]; o != nil && o.roles[r] {
					n++
				}
			}
			cell := ""
			if n > 0 {
				cell, ever = fmt.Sprint(n), true
			}
			cells = append(cells, cell)
		}
		if ever {
			row(cells...)
		}
	}
}

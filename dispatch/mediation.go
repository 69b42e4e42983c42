package dispatch

import (
	"slices"
	"strings"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// Outcomes of a mediation (major 24): agreement, none, or another institution goes on with it (a court, arbitration).
const (
	OutcomeSuccess  = "SUCCESS"
	OutcomeFail     = "FAIL"
	OutcomeTransfer = "TRANSFER"
)

var mediationOutcomes = []string{OutcomeSuccess, OutcomeFail, OutcomeTransfer}

// mediated reports whether a matter is a dispute to be mediated.
func mediated(matter string) bool { return strings.HasPrefix(matter, "24") }

// outcomeOf checks what a result says of its matter; a mediation's plain RESOLVED means agreement, NOT_FEASIBLE that there was none.
func outcomeOf(matter, said string) (string, error) {
	own := slices.Contains(mediationOutcomes, said)
	switch {
	case !mediated(matter) && own:
		return "", fault.Invalid("/outcome", "%s 只用于矛盾纠纷调解", said)
	case !mediated(matter), own:
		return said, nil
	case said == "RESOLVED":
		return OutcomeSuccess, nil
	case said == "NOT_FEASIBLE":
		return OutcomeFail, nil
	}
	return "", fault.Invalid("/outcome", "调解结果应为 %s 之一", strings.Join(mediationOutcomes, " / "))
}

// OutcomeFits reports whether a form offers the outcome for the matter.
func OutcomeFits(matter, outcome string) bool {
	return mediated(matter) == slices.Contains(mediationOutcomes, outcome)
}

// mediatesNext is who tries after a unit's mediation was in vain (R12): after the community the street with its judicial office, after
// the street the district's mediation centre; "" after the last of them.
func (w *World) mediatesNext(unit, street string) string {
	if u := w.Units[unit]; u.Kind == grid.UnitCommunity && street != "" && street != unit {
		return street
	} else if u.Kind != grid.UnitStreet {
		return ""
	}
	centre := ""
	for code, u := range w.Units { // the first by code, however the map is walked
		if u.Line == "MEDIATION" && u.Active && (centre == "" || code < centre) {
			centre = code
		}
	}
	return centre
}

// stepUp hands a mediation that was in vain to the next instance instead of ending it: what was tried stays as a result of its own,
// the promise goes on.
func (d *draft) stepUp(next string, r *Result, cmd *Command, a auth.Actor, as standing) error {
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	lead.ResolvedAt, lead.ResolvedBy = &d.now, &a.Account
	d.endAssignment(lead, "DONE")
	d.moot("SUSPEND", "EXTEND", "CALL")
	d.s.Results = append(d.s.Results, *r)
	d.out.Results = append(d.out.Results, *r)
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	d.event(a, as, ActResolve, None, data{"unit": r.Unit, "outcome": r.Outcome, "next": next, "photos": len(r.Media)},
		map[string]string{"measures": cmd.Body.Measures, "talked_to": cmd.Body.TalkedTo, "time_limit": cmd.Body.TimeLimit, "note": cmd.Body.Note})
	return d.assign(auth.SystemActor(d.s.Case.District, d.now), standing{Role: auth.RoleSystem}, next, nil, data{"mediation": "next", "from": r.Unit, "path": d.s.Case.Path}, "")
}

package dispatch

import (
	"slices"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// Person is a member of the staff to whom a duty of a unit is or may be given.
type Person struct {
	ID       uuid.UUID      `json:"id"`
	Name     string         `json:"name"`
	Active   bool           `json:"active"` // the account is not closed
	Bindings []auth.Binding `json:"bindings"`
}

// WorksFor reports whether the person is one of a unit's people and can take something on.
func (p *Person) WorksFor(unit string) bool {
	return p.Active && slices.ContainsFunc(p.Bindings, func(b auth.Binding) bool { return b.Unit == unit && slices.Contains(unitRoles, b.Role) })
}

// Person finds somebody whom the case names by account; nil when it names nobody of that id.
func (s *Snapshot) Person(id uuid.UUID) *Person {
	for i := range s.People {
		if s.People[i].ID == id {
			return &s.People[i]
		}
	}
	return nil
}

// assign is S13: the unit says who of its people has the duty. The unit goes on answering for it: no state, no clock and no
// figure changes, and everybody of the unit may still act.
func assign(d *draft, cmd *Command, a auth.Actor, as standing) error {
	id, err := uuid.Parse(cmd.Body.Account)
	if err != nil {
		return fault.Invalid("/account", "应为本单位人员的账号编号")
	}
	p := d.s.Person(id)
	if p == nil || !p.WorksFor(as.Unit) { // nobody learns from this whether somebody of another unit exists
		return fault.Invalid("/account", "该账号不是%s的在岗人员，请从本单位人员中选择", d.w.UnitName(as.Unit)).Coded("NOT_IN_UNIT")
	}
	i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.Unit == as.Unit && x.Active() && x.Kind != "COORDINATOR" })
	if i < 0 {
		return fault.Conflict("NO_DUTY", "本单位在此案件中没有未完成的任务")
	}
	x := &d.s.Assignments[i]
	if x.Handler != nil && *x.Handler == id {
		return fault.Conflict("ALREADY_ASSIGNED", "此案件已由%s经办", p.Name)
	}
	before := x.Handler
	x.Handler = &id
	d.touch(&d.dirty.assignments, x.ID)
	facts := data{"unit": as.Unit, "assignment": x.ID, "handler": id}
	if before != nil {
		facts["before"] = *before
	}
	d.event(a, as, ActAssign, None, facts, map[string]string{"note": cmd.Body.Note})
	return nil
}

// assigned tells who has it now. Whoever had it before reads it in the list of tasks.
func (t *teller) assigned() {
	for _, m := range t.staff.byUnit[t.h.data.Unit] {
		if m.ID.String() == t.h.data.Handler {
			t.data["due"] = t.unitDue(t.h.data.Unit)
			t.to([]member{m}, "assigned", "handler")
			return
		}
	}
}

package dispatch

import (
	"context"
	"slices"
	"strings"
	"time"

	"yixian/internal/auth"
)

// Task is what a case asks of the actor now.
type Task struct {
	Row
	Kind    string // ACCEPT SIGN HANDLE CALL ACK CHECK_IN CHECK DECIDE VERIFY ARBITRATE REPLY CALLBACK
	Due     *time.Time
	Actions []Action
}

// atWork is the literal predicate of the partial indexes over cases that can still ask something of somebody (migration 00063):
// a year's archive costs a task list nothing.
const atWork = "c.state not in ('ARCHIVED','REJECTED','MERGED','VOIDED')"

// tasksSQL are the questions, in SQL about a case c, from which is put together what it asks of somebody; u is the placeholder of
// the actor's units.
type tasksSQL struct{ u, mine, handled, ask, callback, spot, assist string }

func either(conds ...string) string { return "(" + strings.Join(conds, " or ") + ")" }

// duty is what an open party may owe: to lead, to come, to help, to check.
func (q tasksSQL) duty() []string {
	return []string{"(c.state in ('DISPATCHED','HANDLING','ONSITE') and c.lead_unit = any(" + q.u + "))", "(" + q.mine + ") is not null", "(" + q.assist + ") is not null",
		"(c.check_unit = any(" + q.u + ") and " + q.toCheck() + ")"}
}

func (q tasksSQL) order() string {
	return "c.id = any(array(select q.case_id from case_request q where q.district = $1 and q.unit = any(" + q.u + ") and q.state = 'PENDING' and q.kind in ('SUPERVISE','INTERIM')))"
}

func (q tasksSQL) toCheck() string {
	return "(c.state = 'RESOLVED' and not c.lead_unit = any(" + q.u + ") and not " + q.handled + ")"
}

func (q tasksSQL) call() string { return "(c.state = 'CALLING' or (" + pending + q.ask + " = 'CALL'))" }

// pending is a small set, before the dear question.
const pending = "c.id in (select q.case_id from case_request q where q.district = $1 and q.state = 'PENDING') and "

// taskCondition says, in SQL, which cases ask something of the actor.
func taskCondition(a auth.Actor, arg func(any) string, q tasksSQL) string {
	var conds []string
	grids := a.Grids()
	if len(a.Units()) > 0 {
		// Who was called or assists is an open party: of all other cases nothing need be asked.
		duty := q.duty()
		conds = append(conds, duty[0], duty[3], q.order(), "(c.id in (select p.case_id from case_party p where p.district = $1 and p.unit = any("+q.u+") and p.open) and "+either(duty[1:3]...)+")")
		if len(grids) > 0 {
			conds = append(conds, "(c.grid_code = any("+arg(grids)+") and "+q.toCheck()+")")
		}
		if a.Has(auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary) {
			conds = append(conds, "(c.owner_unit = any("+q.u+") and "+q.call()+")")
		}
	}
	if a.Has(auth.RoleDispatcher) {
		conds = append(conds, "c.state in ('SUBMITTED','FILED')", "("+pending+q.ask+" in ('SUSPEND','EXTEND'))")
	}
	if a.Has(auth.RoleSupervisor) {
		conds = append(conds, "("+pending+q.ask+" in ('REOPEN','SUSPEND','EXTEND'))", q.spot)
	}
	if a.Has(auth.RoleCallback) {
		conds = append(conds, q.callback)
	}
	if a.Has(auth.RoleArbitrator) {
		conds = append(conds, "c.state = 'DISPUTED'")
	}
	if len(grids) > 0 {
		conds = append(conds, "(c.state = 'VERIFYING' and c.grid_code = any("+arg(grids)+"))")
	}
	if len(conds) == 0 {
		return "false"
	}
	return either(conds...)
}

// Tasks is a page of the actor's open tasks, most urgent first.
func (k *Desk) Tasks(ctx context.Context, a auth.Actor, limit int, cursor string) ([]Task, string, time.Time, error) {
	page, err := k.List(ctx, a, Filter{Limit: limit, Cursor: cursor, tasks: true})
	if err != nil {
		return nil, "", time.Time{}, err
	}
	out := make([]Task, 0, len(page.Rows))
	for _, r := range page.Rows {
		out = append(out, taskOf(r, a))
	}
	return out, page.Next, page.Now, nil
}

func taskOf(r Row, a auth.Actor) Task {
	t := Task{Row: r, Due: r.DueAt}
	leads := slices.Contains(a.Units(), r.LeadUnit)
	switch {
	case r.Mine != nil && r.Mine.AckedAt == nil:
		t.Kind, t.Due, t.Actions = "ACK", &r.Mine.AckDue, []Action{ActAck, ActCheckIn}
	case r.Mine != nil:
		t.Kind, t.Due, t.Actions = "CHECK_IN", &r.Mine.CheckinDue, []Action{ActCheckIn}
	case r.State == Dispatched && leads:
		t.Kind, t.Actions = "SIGN", []Action{ActSign, ActReturn}
	case r.Order:
		t.Kind, t.Actions = "REPLY", []Action{ActReply}
	case r.State == Closed && r.Callback:
		t.Kind, t.Actions = "CALLBACK", []Action{ActReveal, ActCallback}
	case r.State == Closed && r.Spot:
		t.Kind, t.Actions = "CHECK", []Action{ActCheckPass, ActCheckFail}
	case !leads && r.Assist != nil && slices.Contains([]State{Dispatched, Handling, Calling, Onsite}, r.State):
		t.Kind, t.Due, t.Actions = "HANDLE", r.Assist, []Action{ActResolve}
	case (r.State == Handling || r.State == Onsite) && leads:
		t.Kind, t.Due, t.Actions = "HANDLE", r.PromiseAt, []Action{ActContact, ActResolve}
	case r.State == Calling:
		t.Kind = "CALL"
	case r.State == Resolved:
		t.Kind, t.Actions = "CHECK", []Action{ActCheckPass, ActCheckFail}
	case r.State == Verifying:
		t.Kind, t.Actions = "VERIFY", []Action{ActVerify}
	case r.State == Disputed:
		t.Kind, t.Actions = "ARBITRATE", []Action{ActArbitrate}
	case r.Ask == "REOPEN":
		t.Kind, t.Actions = "DECIDE", []Action{ActReopen, ActDecline}
	case r.Ask != "":
		t.Kind, t.Actions = "DECIDE", []Action{ActApprove, ActDecline}
	default:
		t.Kind, t.Actions = "ACCEPT", []Action{ActFile}
		if r.State == Filed {
			t.Actions = []Action{ActDispatch}
		}
	}
	return t
}

// AllowedActions lists what the actor may do to the case now: the actions that Permit lets through, with the
// guards that need no input. The most useful comes first.
func AllowedActions(s *Snapshot, a auth.Actor) []Action {
	var out []Action
	for _, t := range Lifecycle {
		if t.Action == ActSubmit || t.Action == ActCheckinOver || slices.Contains(out, t.Action) {
			continue
		}
		if _, err := Permit(s, t.Action, a); err != nil || !s.worthOffering(t.Action, a) {
			continue
		}
		out = append(out, t.Action)
	}
	return out
}

// worthOffering leaves out what would surely be refused whatever the input.
func (s *Snapshot) worthOffering(act Action, a auth.Actor) bool {
	switch act {
	case ActCheckPass, ActCheckFail:
		return s.mayCheck(a) == nil
	case ActReturn:
		l := s.lead()
		return l != nil && !l.Binding && l.ReturnUntil != nil && s.Case.ReturnCount < 2 && s.Case.Priority != P1 && s.Case.Mode != "EMERGENCY" &&
			!slices.ContainsFunc(s.Returns, func(r Return) bool { return r.Unit == l.Unit })
	case ActAck, ActCheckIn:
		k := s.openCall()
		return k != nil && slices.ContainsFunc(s.Targets, func(t CallTarget) bool {
			return t.CallID == k.ID && a.In(t.Unit, unitRoles...) != "" && t.CheckedInAt == nil && (act == ActCheckIn || t.AckedAt == nil)
		})
	case ActApprove, ActDecline:
		return slices.ContainsFunc(s.Requests, func(r Request) bool {
			return s.Decidable(&r, a) && (act == ActDecline || r.Kind != "REOPEN" && (s.Case.Priority != P1 || r.Kind == "CALL"))
		})
	case ActCall:
		if a.Kind == auth.System {
			return s.mayAutoCall()
		}
		st, _ := s.as(ByCaller, a)
		if st.Unit == "" {
			st.Unit = s.Case.OwnerUnit // a community proposes to its street
			if s.Case.Priority != P1 && slices.ContainsFunc(s.Requests, func(r Request) bool { return r.Kind == "CALL" && r.State == "PENDING" }) {
				return false
			}
		}
		return st.Unit == s.Case.LeadUnit || st.Unit == s.coordinator()
	case ActReveal:
		return s.worthRevealing(a)
	case ActCallback:
		return s.callbackDue()
	case ActRateUnit:
		return len(s.unrated()) > 0
	case ActClarify:
		return rumour(&s.Case)
	case ActSuspend, ActExtend:
		return s.Case.Priority != P1
	case ActAppeal:
		return !s.Case.Appealed
	case ActContact:
		l := s.lead()
		return l != nil && l.ContactedAt == nil
	}
	return true
}

var taskWords = map[string]pair{
	"ACCEPT": {"待受理", "To be filed"}, "SIGN": {"待签收", "To be signed"}, "HANDLE": {"待办结", "To be handled"}, "CALL": {"等待报到", "Waiting for check-in"},
	"ACK": {"待应答", "To be answered"}, "CHECK_IN": {"待报到", "To check in"}, "CHECK": {"待核查", "To be checked"}, "DECIDE": {"待决定", "To be decided"}, "VERIFY": {"待核实", "To be verified"}, "ARBITRATE": {"待裁定", "To be arbitrated"}, "REPLY": {"待回复", "To be replied to"}, "CALLBACK": {"待回访", "To be called back"},
}

// TaskText names what a task asks.
func TaskText(kind, lang string) string { return taskWords[kind].in(lang) }

// Primary reports whether an action is the natural next step, for the big button.
func Primary(act Action) bool {
	return slices.Contains([]Action{ActFile, ActDispatch, ActSign, ActAck, ActCheckIn, ActResolve, ActCheckPass}, act)
}

// FieldsOf lists what an action accepts beside version and note.
func FieldsOf(act Action) []Field { return fieldsOf[act] }

// ForStaff reports whether an action exists at POST /cases/{id}/actions/{action}.
func ForStaff(act Action) bool {
	return len(rowsOf(act)) > 0 && !slices.Contains([]Action{ActSubmit, ActSelfHandle, ActCheckinOver, ActArchive, ActRate, ActAdd, ActUrge, ActFollow, ActAppeal, ActWithdraw, ActIncident, ActAttach, ActRevealAlert, ActRecompute}, act)
}

// CallLevel is the highest level at which the actor may call on this case.
func (s *Snapshot) CallLevel(a auth.Actor) string {
	if st, ok := s.as(ByCaller, a); ok {
		return callLevels[st.Role]
	}
	return ""
}

package dispatch

import (
	"slices"

	"yixian/dispatch/rule"
)

// State is where a case stands (domain 4b, 15 states).
type State string

const (
	Submitted  State = "SUBMITTED"
	Verifying  State = "VERIFYING"
	Filed      State = "FILED"
	Dispatched State = "DISPATCHED"
	Handling   State = "HANDLING"
	Calling    State = "CALLING"
	Onsite     State = "ONSITE"
	Disputed   State = "DISPUTED"
	Suspended  State = "SUSPENDED"
	Resolved   State = "RESOLVED"
	Closed     State = "CLOSED"
	Archived   State = "ARCHIVED"
	Rejected   State = "REJECTED"
	Merged     State = "MERGED"
	Voided     State = "VOIDED"
)

// None is the state before a case exists.
const None State = ""

// States lists the 15 states in reading order.
var States = []State{Submitted, Verifying, Filed, Dispatched, Handling, Calling, Onsite, Disputed, Suspended, Resolved, Closed, Archived, Rejected, Merged, Voided}

// Active are the states in which somebody still owes the resident something.
var Active = []State{Submitted, Verifying, Filed, Dispatched, Handling, Calling, Onsite, Disputed, Suspended, Resolved}

// Terminal reports whether nothing but an appeal can happen any more.
func (s State) Terminal() bool {
	return slices.Contains([]State{Archived, Rejected, Merged, Voided}, s)
}

// Priority is P1 (特急) … P4 (长期/复杂).
type Priority = rule.Priority

// Priorities, most urgent first.
const (
	P1 = rule.P1
	P2 = rule.P2
	P3 = rule.P3
	P4 = rule.P4
)

// Action is a verb of the one door. The names are those of the API.
type Action string

const (
	ActSubmit        Action = "submit"
	ActSelfHandle    Action = "self_handle"
	ActRequestVerify Action = "request_verify"
	ActVerify        Action = "verify"
	ActFile          Action = "file"
	ActReject        Action = "reject"
	ActAppeal        Action = "appeal"
	ActMerge         Action = "merge"
	ActDispatch      Action = "dispatch"
	ActSign          Action = "sign"
	ActReturn        Action = "return"
	ActDispute       Action = "dispute"
	ActArbitrate     Action = "arbitrate"
	ActCall          Action = "call"
	ActAck           Action = "ack"
	ActCheckIn       Action = "check_in"
	ActWithdrawCall  Action = "withdraw_call"
	ActCheckinOver   Action = "checkin_overdue"
	ActConsult       Action = "consult"
	ActResolve       Action = "resolve"
	ActCheckPass     Action = "check_pass"
	ActCheckFail     Action = "check_fail"
	ActRate          Action = "rate"
	ActCallback      Action = "callback"
	ActReopen        Action = "reopen"
	ActArchive       Action = "archive"
	ActSuspend       Action = "suspend"
	ActResume        Action = "resume"
	ActExtend        Action = "extend"
	ActSupervise     Action = "supervise"
	ActWithdraw      Action = "withdraw"
	ActVoid          Action = "void"
	ActIncident      Action = "declare"
	ActAttach        Action = "attach_incident"
	ActRecompute     Action = "clock_recomputed"
	ActContact       Action = "contact"
	ActNote          Action = "note"
	ActReveal        Action = "reveal"
	ActReply         Action = "reply"
	ActApprove       Action = "approve"
	ActDecline       Action = "decline"
	ActRateUnit      Action = "rate_unit"
	ActAdd           Action = "add"
	ActFollow        Action = "follow"
	ActUrge          Action = "urge"
	ActRevealAlert   Action = "reveal_alert"
	ActClarify       Action = "clarify"
	ActAssign        Action = "assign"
)

// Who names the relation that lets somebody act; party.go decides it from the case and the actor.
type Who string

const (
	BySystem      Who = "SYSTEM"
	ByReporter    Who = "REPORTER"
	BySubmitter   Who = "SUBMITTER"
	ByDispatcher  Who = "DISPATCHER"
	ByLeadUnit    Who = "LEAD_UNIT"
	ByCaller      Who = "CALLER_STREET"
	ByTarget      Who = "CALL_TARGET"
	ByContactUnit Who = "CONTACT_UNIT"
	ByChecker     Who = "CHECKER"
	ByVerifier    Who = "VERIFIER"
	BySupervisor  Who = "SUPERVISOR"
	ByArbitrator  Who = "ARBITRATOR"
	ByCommander   Who = "COMMANDER"
	ByCallback    Who = "CALLBACK"
	ByStaff       Who = "STAFF_IN_SCOPE"
	BySupervised  Who = "SUPERVISED_UNIT"
	ByAssist      Who = "ASSISTING_UNIT"
	ByCommunity   Who = "COMMUNITY"
	ByRevealer    Who = "REVEALER"
	ByUnitOfficer Who = "UNIT_OFFICER"
)

// Transition is one row of the lifecycle. An empty To keeps the state. Built says that Decide carries it out;
// an action none of whose rows is built answers 501 and appears in no allowed_actions.
type Transition struct {
	No     string
	From   []State
	To     State
	Action Action
	By     []Who
	Guards string
	Built  bool
}

// Lifecycle is the table T1–T31 of domain 4b, then the side actions (S…). Everything that lists actions — the
// door, allowed_actions, the role matrix, docs/states.md — reads this table.
var Lifecycle = []Transition{
	{"T1", []State{None}, Submitted, ActSubmit, []Who{BySubmitter}, "in the area; a photo or 5 characters; idempotency key", true},
	{"T2", []State{None}, Closed, ActSelfHandle, []Who{BySubmitter}, "a grid worker in an own grid; COMMUNITY item; before and after photo within 200 m", true},
	{"T3", []State{Submitted}, Verifying, ActRequestVerify, []Who{BySystem, ByDispatcher}, "a worker on duty", true},
	{"T4", []State{Verifying}, Submitted, ActVerify, []Who{ByVerifier}, "photo; GPS within 200 m or reason", true},
	{"T5", []State{Submitted}, Filed, ActFile, []Who{BySystem, ByDispatcher}, "matter, grid and priority set; verdict not FALSE", true},
	{"T6", []State{Submitted, Filed}, Rejected, ActReject, []Who{ByDispatcher}, "listed reason; reply of at least 20 characters", true},
	{"T7", []State{Rejected}, Submitted, ActAppeal, []Who{ByReporter}, "within 7 ND, once", true},
	{"T8", []State{Submitted, Filed, Dispatched}, Merged, ActMerge, []Who{ByDispatcher}, "master active, same district, not merged", true},
	{"T9", []State{Filed}, Dispatched, ActDispatch, []Who{BySystem, ByDispatcher}, "exactly one lead; unit active", true},
	{"T10", []State{Dispatched}, Handling, ActSign, []Who{ByLeadUnit}, "in the lead unit", true},
	{"T11", []State{Dispatched, Handling}, Filed, ActReturn, []Who{ByLeadUnit}, "inside the RETURN window; not binding; first of this unit; fewer than 2; legal basis and suggested unit; not P1, not EMERGENCY; the 2nd by a leader", true},
	{"T12", []State{Dispatched, Handling, Onsite}, Disputed, ActDispute, []Who{ByLeadUnit, BySystem}, "reason; the first receiver makes safe meanwhile; SYSTEM: a third return, or the stage is over after which a rule asks whose matter it is", true},
	{"T13", []State{Disputed}, Dispatched, ActArbitrate, []Who{ByArbitrator}, "lead, assists, basis; not of an involved unit", true},
	{"T14", []State{Handling}, Calling, ActCall, []Who{ByCaller}, "street leads or coordinates; level by role; listed reason; one lead target", true},
	{"T14a", []State{Onsite}, Calling, ActCall, []Who{ByCaller}, "the coordinating street calls again", true},
	{"T14b", []State{Handling}, None, ActCall, []Who{ByCommunity}, "a community proposes, the street confirms within 10 min by approve; P1 passes at once", true},
	{"T14c", []State{Dispatched}, Calling, ActCall, []Who{BySystem}, "P1, incident and device rules that call by themselves; sign implied", true},
	{"T15", []State{Calling, Onsite}, None, ActAck, []Who{ByTarget}, "open target of the actor's unit", true},
	{"T16", []State{Calling, Onsite}, Onsite, ActCheckIn, []Who{ByTarget}, "GPS within 300 m, the street's one-time QR, or REMOTE when the call allows it", true},
	{"T17", []State{Calling}, Handling, ActWithdrawCall, []Who{ByCaller}, "no check-in yet; reason", true},
	{"T18", []State{Calling, Onsite}, None, ActCheckinOver, []Who{BySystem}, "CHECKIN due passed: rung by the clock", true},
	{"T19", []State{Onsite}, None, ActConsult, []Who{ByLeadUnit}, "participants and conclusion", true},
	{"T20", []State{Handling, Onsite}, Resolved, ActResolve, []Who{ByLeadUnit, ByAssist}, "after-photo (EXPLAINED: document), four elements, outcome; ASSIST done; first contact recorded or waived", true},
	{"T20b", []State{Dispatched, Calling}, None, ActResolve, []Who{ByAssist}, "an assisting unit ends its own task, such as to go and look", true},
	{"T21", []State{Resolved}, Closed, ActCheckPass, []Who{ByChecker, BySystem}, "not a handler of the round, not of the handling unit; within 200 m", true},
	{"T21b", []State{Closed}, None, ActCheckPass, []Who{BySupervisor}, "spot check: 10 % of what streets handled, and at will", true},
	{"T22", []State{Resolved}, Handling, ActCheckFail, []Who{ByChecker}, "photo and reason; the state resolved from returns", true},
	{"T22b", []State{Closed}, None, ActCheckFail, []Who{BySupervisor}, "spot check; reopens", true},
	{"T23", []State{Closed}, None, ActRate, []Who{ByReporter}, "window; one per reporter and round", true},
	{"T23b", []State{Closed}, None, ActCallback, []Who{ByCallback}, "not rated 3 ND (P1: 1 ND) after closing and phone known; the third attempt in vain ends it", true},
	{"T24", []State{Closed}, Handling, ActReopen, []Who{BySupervisor, BySystem}, "fewer than 2 reopenings, else a supervisor decides in writing", true},
	{"T25", []State{Closed}, Archived, ActArchive, []Who{BySystem}, "rating window over", true},
	{"T26", []State{Handling, Onsite}, None, ActSuspend, []Who{ByLeadUnit}, "request and approval; listed reason; never P1; P2 names an interim measure", true},
	{"T27", []State{Suspended}, Handling, ActResume, []Who{ByLeadUnit, BySystem}, "the state suspended from returns", true},
	{"T28", []State{Dispatched, Handling, Calling, Onsite}, None, ActExtend, []Who{ByLeadUnit}, "before due, at least 20 % left; at most 2; never P1", true},
	{"T29", superviseFrom, None, ActSupervise, []Who{BySupervisor}, "kind and text", true},
	{"T30", []State{Submitted, Verifying, Filed, Dispatched}, Voided, ActVoid, []Who{ByDispatcher}, "before sign; reason", true},
	{"T30b", []State{Submitted, Verifying, Filed, Dispatched}, Voided, ActWithdraw, []Who{ByReporter}, "before sign", true},
	{"T31", []State{None}, None, ActIncident, []Who{ByCommander}, "on an incident, not on a case: four eyes except the first 30 min", true},
	{"T31b", Active, None, ActAttach, []Who{BySystem}, "an incident in force covers place and matter; P1 profile, clocks only shorten; P4 is deferred", true},
	{"S1", []State{Dispatched, Handling, Calling, Onsite}, None, ActContact, []Who{ByContactUnit}, "lead unit, or a unit that checked in", true},
	{"S2", Active, None, ActNote, []Who{ByStaff}, "text", true},
	{"S3", nil, None, ActReveal, []Who{ByRevealer}, "reason; 30 a day; handling units while they handle, never for WHISTLEBLOWER; callback officers once per attempt", true},
	{"S4", Active, None, ActReply, []Who{BySupervised}, "text", true},
	{"S5", []State{Dispatched, Handling, Calling, Onsite, Disputed, Suspended, Resolved, Closed}, Suspended, ActApprove, []Who{ByDispatcher, BySupervisor, ByCaller}, "a pending request; suspension up to 30 ND and 1st extension by a dispatcher, longer and 2nd by a supervisor; a proposed call by the street, at a level of its own", true},
	{"S6", nil, None, ActDecline, []Who{ByDispatcher, BySupervisor, ByCaller}, "a pending request; the reopening beyond the bound by a supervisor, in writing", true},
	{"S7", []State{Closed}, None, ActRateUnit, []Who{ByCaller}, "a department that was called in this round, once", true},
	{"S8", Active, None, ActAdd, []Who{ByReporter}, "text or photo", true},
	{"S9", Active, None, ActUrge, []Who{ByReporter}, "once in 24 h", true},
	{"S20", Active, None, ActRecompute, []Who{BySystem}, "the working calendar was changed and a clock's due with it", true},
	{"S10", Active, None, ActFollow, []Who{ByReporter}, "a signed-in resident who knows the report and is not its reporter, once", true},
	{"S12", []State{Handling, Onsite, Resolved, Closed}, None, ActClarify, []Who{ByLeadUnit}, "a rumour (major 28); verdict, title and text for the public; a later one replaces it", true},
	{"S13", []State{Dispatched, Handling, Calling, Onsite, Suspended}, None, ActAssign, []Who{ByUnitOfficer}, "an officer or a leader of a unit that leads or assists; the person is one of that unit's people; a return or another unit ends it", true},
	{"S11", nil, None, ActRevealAlert, []Who{BySystem}, "an officer asked for more reveals than a day has", true},
}

// rowsOf returns the table's rows for an action.
func rowsOf(a Action) []Transition {
	var out []Transition
	for _, t := range Lifecycle {
		if t.Action == a {
			out = append(out, t)
		}
	}
	return out
}

// Field describes one input of an action for the API and the forms. Labels live with the screens' words in words.go.
type Field struct {
	Name     string
	Type     string // text longtext matter unit units targets point photos time budget choice bool int tasks verdicts request report person
	Required bool
	Options  []string
}

// fieldsOf lists what an action accepts beside version and note; anything else is refused by name.
var fieldsOf = map[Action][]Field{
	ActFile:          {{"matter", "matter", false, nil}, {"grid", "text", false, nil}, {"priority", "choice", false, []string{"P1", "P2", "P3", "P4"}}},
	ActDispatch:      {{"lead", "unit", true, nil}, {"assists", "units", false, nil}},
	ActSign:          {},
	ActAck:           {{"eta_minutes", "int", false, nil}},
	ActContact:       {{"method", "choice", true, []string{"PHONE", "VISIT", "MESSAGE"}}, {"talked_to", "text", false, nil}},
	ActReturn:        {{"legal_basis", "text", true, nil}, {"suggested_unit", "unit", true, nil}, {"reason", "longtext", true, nil}},
	ActCall:          {{"level", "choice", true, []string{"L1", "L2", "L3"}}, {"reason", "choice", true, []string{"NO_POWER", "NO_CAPACITY", "JOINT", "EMERGENCY"}}, {"targets", "targets", true, nil}, {"meet_at", "point", false, nil}, {"agreed_time", "time", false, nil}, {"remote_allowed", "bool", false, nil}},
	ActCheckIn:       {{"point", "point", false, nil}, {"qr", "text", false, nil}, {"media_ids", "photos", false, nil}},
	ActResolve:       {{"outcome", "choice", true, []string{"RESOLVED", "EXPLAINED", "PLANNED", "NOT_FEASIBLE", "SUCCESS", "FAIL", "TRANSFER"}}, {"accepted_at", "time", true, nil}, {"talked_to", "text", true, nil}, {"measures", "longtext", true, nil}, {"time_limit", "text", true, nil}, {"media_ids", "photos", true, nil}},
	ActCheckPass:     {{"media_ids", "photos", true, nil}, {"point", "point", false, nil}, {"method", "choice", false, []string{"SITE", "PHONE"}}},
	ActCheckFail:     {{"media_ids", "photos", true, nil}, {"reason", "longtext", true, nil}, {"point", "point", false, nil}, {"method", "choice", false, []string{"SITE", "PHONE"}}, {"fraud", "bool", false, nil}},
	ActReopen:        {{"reason", "longtext", true, nil}},
	ActRequestVerify: {},
	ActVerify:        {{"verdict", "choice", true, []string{"TRUE", "FALSE", "GONE"}}, {"media_ids", "photos", true, nil}, {"point", "point", false, nil}},
	ActReject:        {{"reason", "choice", true, RejectReasons}, {"reply", "longtext", true, nil}},
	ActAppeal:        {{"reason", "longtext", false, nil}, {"text", "longtext", false, nil}},
	ActMerge:         {{"master_case_id", "case", true, nil}},
	ActVoid:          {{"reason", "longtext", true, nil}},
	ActWithdraw:      {{"reason", "longtext", false, nil}, {"text", "longtext", false, nil}},
	ActDispute:       {{"reason", "longtext", true, nil}},
	ActArbitrate:     {{"lead", "unit", true, nil}, {"assists", "units", false, nil}, {"basis", "longtext", true, nil}, {"verdicts", "verdicts", false, nil}},
	ActSuspend:       {{"reason", "choice", true, SuspendReasons}, {"resume_at", "time", true, nil}, {"measures", "longtext", false, nil}},
	ActResume:        {},
	ActExtend:        {{"budget", "budget", true, nil}, {"reason", "longtext", true, nil}},
	ActApprove:       {{"request_id", "request", true, nil}, {"reason", "longtext", false, nil}},
	ActSupervise:     {{"kind", "choice", true, []string{"URGE", "SUPERVISE", "LEADER"}}, {"text", "longtext", true, nil}},
	ActReply:         {{"text", "longtext", true, nil}},
	ActWithdrawCall:  {{"reason", "longtext", true, nil}},
	ActConsult:       {{"participants", "texts", true, nil}, {"conclusion", "longtext", true, nil}, {"tasks", "tasks", false, nil}},
	ActDecline:       {{"request_id", "request", true, nil}, {"reason", "longtext", true, nil}},
	ActRate:          {{"contacted", "bool", false, nil}, {"resolved", "bool", true, nil}, {"grade", "int", true, nil}, {"text", "longtext", false, nil}},
	ActNote:          {{"text", "longtext", true, nil}},
	ActAdd:           {{"text", "longtext", false, nil}, {"media_ids", "photos", false, nil}},
	ActUrge:          {{"text", "longtext", false, nil}},
	ActFollow:        {},
	ActClarify:       {{"verdict", "choice", true, []string{"TRUE", "FALSE", "MISLEADING"}}, {"title", "text", true, nil}, {"text", "longtext", true, nil}},
	ActReveal:        {{"field", "choice", true, []string{"phone", "name"}}, {"reason", "choice", true, RevealReasons}, {"text", "longtext", false, nil}, {"report_id", "report", false, nil}},
	ActCallback:      {{"reached", "bool", true, nil}, {"contacted", "bool", false, nil}, {"resolved", "bool", false, nil}, {"grade", "int", false, nil}, {"text", "longtext", false, nil}, {"report_id", "report", false, nil}},
	ActAssign:        {{"account", "person", true, nil}},
	ActRateUnit:      {{"unit", "unit", true, nil}, {"grade", "int", true, nil}, {"text", "longtext", false, nil}},
}

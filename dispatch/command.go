package dispatch

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// PointIn is a place as a client gives it; the datum is never guessed.
type PointIn struct {
	Lon       float64  `json:"lon"`
	Lat       float64  `json:"lat"`
	Datum     string   `json:"datum"`
	AccuracyM *float64 `json:"accuracy_m"`
}

// WGS84 converts the point; the error names the field.
func (p *PointIn) WGS84() (grid.Point, error) {
	datum, err := grid.ParseDatum(p.Datum)
	if err != nil {
		return grid.Point{}, err
	}
	return grid.ToWGS84(grid.Point{Lon: p.Lon, Lat: p.Lat}, datum), nil
}

// TargetIn is one unit to be called.
type TargetIn struct {
	Unit string `json:"unit"`
	Lead bool   `json:"lead"`
}

// Verdict is an arbitrator's judgement of a unit's return.
type Verdict struct {
	Unit    string `json:"unit"`
	Founded bool   `json:"founded"`
}

// TaskIn is what a consultation asks of a unit.
type TaskIn struct {
	Unit   string `json:"unit"`
	Text   string `json:"text"`
	Budget string `json:"budget"`
}

// Body holds every field an action may carry (api.md "Bodies of the actions"); fieldsOf says which belong to which.
type Body struct {
	Note          string     `json:"note"`
	Matter        string     `json:"matter"`
	Grid          string     `json:"grid"`
	Priority      Priority   `json:"priority"`
	Lead          string     `json:"lead"`
	Assists       []string   `json:"assists"`
	Method        string     `json:"method"`
	TalkedTo      string     `json:"talked_to"`
	LegalBasis    string     `json:"legal_basis"`
	SuggestedUnit string     `json:"suggested_unit"`
	Reason        string     `json:"reason"`
	Level         string     `json:"level"`
	Targets       []TargetIn `json:"targets"`
	MeetAt        *PointIn   `json:"meet_at"`
	AgreedTime    *time.Time `json:"agreed_time"`
	RemoteAllowed bool       `json:"remote_allowed"`
	EtaMinutes    int        `json:"eta_minutes"`
	Point         *PointIn   `json:"point"`
	QR            string     `json:"qr"`
	MediaIDs      []string   `json:"media_ids"`
	Outcome       string     `json:"outcome"`
	AcceptedAt    *time.Time `json:"accepted_at"`
	Measures      string     `json:"measures"`
	TimeLimit     string     `json:"time_limit"`
	Contacted     *bool      `json:"contacted"`
	Resolved      *bool      `json:"resolved"`
	Grade         int        `json:"grade"`
	Text          string     `json:"text"`
	RequestID     string     `json:"request_id"`
	Verdict       string     `json:"verdict"`
	Reply         string     `json:"reply"`
	MasterCaseID  string     `json:"master_case_id"`
	Basis         string     `json:"basis"`
	Verdicts      []Verdict  `json:"verdicts"`
	Tasks         []TaskIn   `json:"tasks"`
	Participants  []string   `json:"participants"`
	Conclusion    string     `json:"conclusion"`
	ResumeAt      *time.Time `json:"resume_at"`
	Budget        string     `json:"budget"`
	Kind          string     `json:"kind"`
	Fraud         bool       `json:"fraud"`
	Reached       *bool      `json:"reached"`
	Unit          string     `json:"unit"`
	Field         string     `json:"field"`
	ReportID      string     `json:"report_id"`
	Title         string     `json:"title"`
	Account       string     `json:"account"`
}

// Command is one request to change a case. Version, when given, must be the current one. Key makes a retry get
// the first answer. Salt is random and comes from the door: Decide itself draws nothing.
type Command struct {
	Action  Action
	Version *int
	Key     string
	Hash    []byte // sha-256 of action and body: the same key with another hash is a mismatch
	Body    Body
	Given   []string // names of the body's fields that were sent
	Salt    []byte
	CaseNo  string    // drawn by the door for commands that may file
	Master  *Snapshot // read by the door for a merge

	Incident uuid.UUID   // what the engine attaches the case to
	Officer  *auth.Actor // whom a reveal_alert is about
}

// ParseCommand decodes a body strictly: unknown fields and wrong types are named.
func ParseCommand(action Action, raw json.RawMessage) (Command, error) {
	cmd := Command{Action: action}
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return cmd, fault.Invalid("", "请求内容应为 JSON 对象")
	}
	allowed := fieldsOf[action]
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		if name == "version" {
			if string(value) == "null" {
				continue
			}
			var v int
			if json.Unmarshal(value, &v) != nil {
				return cmd, fault.Invalid("/version", "应为整数")
			}
			cmd.Version = &v
			continue
		}
		if name != "note" && !slices.ContainsFunc(allowed, func(f Field) bool { return f.Name == name }) {
			return cmd, fault.Invalid("/"+name, "动作 %s 不接受这个字段", action)
		}
		if string(value) != "null" {
			cmd.Given = append(cmd.Given, name)
		}
	}
	delete(fields, "version")
	rest, _ := json.Marshal(fields)
	if err := json.Unmarshal(rest, &cmd.Body); err != nil {
		pointer := ""
		if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) {
			pointer = "/" + strings.ReplaceAll(wrong.Field, ".", "/")
		}
		return cmd, fault.Invalid(pointer, "类型不对")
	}
	return cmd, nil
}

// verb carries an action out on a draft; what it returns as error leaves the case untouched.
type verb func(d *draft, cmd *Command, a auth.Actor, as standing) error

var verbs = map[Action]verb{
	ActFile: file, ActDispatch: dispatchTo, ActSign: sign, ActContact: contact, ActReturn: returnCase,
	ActCall: call, ActAck: ack, ActCheckIn: checkIn, ActResolve: resolve, ActCheckPass: checkPass, ActCheckFail: checkFail,
	ActRate: rate, ActReopen: reopen, ActDecline: decline, ActArchive: archive, ActNote: note, ActAdd: add, ActUrge: urge,
	ActRequestVerify: requestVerify, ActVerify: verify, ActReject: reject, ActAppeal: appeal, ActMerge: merge, ActVoid: void, ActWithdraw: withdraw,
	ActDispute: dispute, ActArbitrate: arbitrate, ActSuspend: suspend, ActResume: resume, ActExtend: extend, ActApprove: approve,
	ActSupervise: supervise, ActReply: reply, ActWithdrawCall: withdrawCall, ActConsult: consult,
	ActAttach: attach, ActRecompute: recompute,
	ActReveal: reveal, ActRevealAlert: revealAlert, ActCallback: callback, ActRateUnit: rateUnit, ActFollow: follow, ActClarify: clarify, ActAssign: assign,
}

// Permit says whether the actor may do the action to the case as it stands: role first (403), then state (409).
// Screens show exactly the actions for which it returns nil.
func Permit(s *Snapshot, act Action, a auth.Actor) (standing, error) {
	rows := rowsOf(act)
	if len(rows) == 0 {
		return standing{}, unknownAction(act)
	}
	if !slices.ContainsFunc(rows, func(t Transition) bool { return t.Built }) {
		return standing{}, fault.New(501, "NOT_BUILT", "这个动作尚未开通: %s", act)
	}
	var as standing
	allowed := false
	for _, t := range rows {
		here := t.From == nil || slices.Contains(t.From, s.Case.State)
		for _, who := range t.By {
			st, ok := s.as(who, a)
			if !ok {
				continue
			}
			if here { // the row itself must hold for the role and for the state
				return st, nil
			}
			if !allowed {
				as, allowed = st, true
			}
		}
	}
	if !allowed {
		return as, fault.Forbidden("NOT_YOURS", "您的岗位不能对此案件执行该操作")
	}
	return as, fault.Conflict("WRONG_STATE", "案件当前状态为“%s”，不能执行该操作", StateText(s.Case.State, "zh")).
		With("state", s.Case.State).With("version", s.Case.Version)
}

// Decide is the whole judgement about one command: who may, in which state, with what input, to what effect.
// It is pure: the same snapshot, command, actor and instant give the same change.
func Decide(w *World, s *Snapshot, cmd *Command, a auth.Actor, now time.Time) (*Change, error) {
	as, err := Permit(s, cmd.Action, a)
	if err != nil {
		return nil, err
	}
	if cmd.Version != nil && *cmd.Version != s.Case.Version {
		return nil, Stale(s.Case.Version)
	}
	if err := checkFields(cmd); err != nil {
		return nil, err
	}
	do := verbs[cmd.Action]
	if do == nil { // a case begins by Submit, a missed check-in is rung by its clock: neither can be commanded
		return nil, unknownAction(cmd.Action)
	}
	d := newDraft(w, s, now, cmd.Salt)
	if err := do(d, cmd, a, as); err != nil {
		return nil, err
	}
	return d.finish(), nil
}

func unknownAction(act Action) *fault.Error {
	return fault.New(404, "UNKNOWN_ACTION", "没有这个动作: %s", act)
}

// Stale tells a client that somebody was first.
func Stale(version int) *fault.Error {
	return fault.Conflict("STALE", "案件已被他人更新，请查看最新内容后再操作").With("version", version)
}

func checkFields(cmd *Command) error {
	var bad *fault.Error
	miss := func(name, text string) {
		if bad == nil {
			bad = fault.Invalid("/"+name, "%s", text)
		} else {
			bad = bad.At("/"+name, "%s", text)
		}
	}
	raw, _ := json.Marshal(cmd.Body)
	var values map[string]json.RawMessage
	_ = json.Unmarshal(raw, &values)
	for _, f := range fieldsOf[cmd.Action] {
		given := slices.Contains(cmd.Given, f.Name)
		blank := !given || blankJSON(values[f.Name])
		if f.Required && blank && !(f.Type == "photos" && cmd.Body.Method == "PHONE") {
			miss(f.Name, "必填")
			continue
		}
		if !blank && len(f.Options) > 0 && !(cmd.Action == ActReveal && f.Name == "reason") { // a reason in own words is OTHER (reveal.go)
			var v string
			if json.Unmarshal(values[f.Name], &v) != nil || !slices.Contains(f.Options, v) {
				miss(f.Name, "应为 "+strings.Join(f.Options, " / ")+" 之一")
			}
		}
	}
	if bad == nil {
		return nil
	}
	return bad
}

func blankJSON(raw json.RawMessage) bool {
	switch s := strings.TrimSpace(string(raw)); s {
	case "", "null", `""`, "[]", "0":
		return true
	default:
		var text string
		return json.Unmarshal(raw, &text) == nil && strings.TrimSpace(text) == ""
	}
}

// budgetOf parses a budget text that came from configuration or the catalogue.
func budgetOf(text string) (worktime.Budget, bool) {
	b, err := worktime.ParseBudget(text)
	return b, err == nil
}

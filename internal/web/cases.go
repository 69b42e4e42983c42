package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/seal"
)

func (s *server) ListCases(ctx context.Context, r api.ListCasesRequestObject) (api.ListCasesResponseObject, error) {
	a, p := actorOf(ctx), r.Params
	page, err := s.Desk.List(ctx, a, dispatch.Filter{States: commaList(p.State), Unit: deref(p.Unit), Grid: deref(p.Grid), Street: deref(p.Street), Matter: deref(p.Matter), Light: string(deref(p.Light)),
		Priority: string(deref(p.Priority)), Words: deref(p.Q), Sort: string(deref(p.Sort)), Incident: p.Incident, Held: deref(p.Held), Ask: string(deref(p.Ask)), Limit: limitOf(p.Limit), Cursor: deref(p.Cursor)})
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.CaseList{Items: []api.CaseSummary{}, NextCursor: some(page.Next), ServerTime: &a.Now}
	for i := range page.Rows {
		row := &page.Rows[i]
		out.Items = append(out.Items, s.summary(ctx, a, w, &row.Case, row.Thumb, page.Now))
	}
	return api.ListCases200JSONResponse(out), nil
}

func (s *server) GetCase(ctx context.Context, r api.GetCaseRequestObject) (api.GetCaseResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	o, err := s.Desk.View(ctx, a, id)
	if err != nil {
		return nil, err
	}
	reports, err := s.Desk.Reports(ctx, a.District, id)
	if err != nil {
		return nil, err
	}
	v := s.caseView(ctx, a, o, reports)
	if a.Has(auth.RoleDispatcher, auth.RoleSupervisor) {
		if v.Untold, err = s.untold(ctx, a, id, reports); err != nil {
			return nil, err
		}
		known, err := s.Desk.ReporterContext(ctx, &o.Snapshot.Case)
		if err != nil {
			return nil, err
		}
		if known != nil {
			v.ReporterContext = &api.ReporterContext{Days: dispatch.ContextDays, Cases: known.Cases, Open: known.Open, Untrue: known.Untrue}
		}
	}
	return api.GetCase200JSONResponse(v), nil
}

// untold is who hears nothing of a case by itself: messages that reached nobody, and people for whom somebody reported without noting
// a number. The centre must find another way.
func (s *server) untold(ctx context.Context, a auth.Actor, id uuid.UUID, reports []dispatch.ReportView) (*[]api.Untold, error) {
	parked, err := s.Post.UntoldOf(ctx, s.DB, a.District, id)
	if err != nil {
		return nil, err
	}
	out := []api.Untold{}
	for _, m := range parked {
		out = append(out, api.Untold{Event: some(m.Event), Audience: m.Audience, Channel: some(m.Channel), Reason: m.Reason})
	}
	for i := range reports {
		if r := &reports[i]; r.OnBehalf && r.Phone == "" && !r.NoContact {
			out = append(out, api.Untold{Audience: "reporter", Reason: "NO_CHANNEL"})
		}
	}
	return &out, nil
}

func (s *server) CaseEvents(ctx context.Context, r api.CaseEventsRequestObject) (api.CaseEventsResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	events, next, err := s.Desk.Events(ctx, a, id, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.CaseEvents200JSONResponse{Items: []api.Event{}, NextCursor: some(next)}
	for i := range events {
		e := &events[i]
		var fact dispatch.Fact
		var facts map[string]any
		if err := json.Unmarshal([]byte(e.Fact), &fact); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(fact.Data, &facts); err != nil {
			return nil, err
		}
		text := ""
		for _, name := range []string{"text", "reason", "reply", "basis", "conclusion", "participants", "measures", "legal_basis", "note"} {
			if t := e.Texts[name]; t != "" {
				if text != "" {
					text += "\n"
				}
				text += t
			}
		}
		out.Items = append(out.Items, api.Event{Seq: e.Seq, At: e.At, Actor: e.Actor, ActorName: some(e.ActorName), Role: e.Role, Unit: some(e.Unit), UnitName: some(w.UnitName(e.Unit)), Action: string(e.Action),
			ActionText: new(dispatch.ActionText(e.Action, lang(ctx))), FromState: some(string(e.FromState)), ToState: some(string(e.ToState)), Data: facts, Text: some(seal.MaskText(text)), Fact: &e.Fact,
			PrevHash: hex.EncodeToString(e.PrevHash), Hash: hex.EncodeToString(e.Hash)})
	}
	return out, nil
}

func (s *server) CaseRoute(ctx context.Context, r api.CaseRouteRequestObject) (api.CaseRouteResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	d, at, err := s.Desk.Route(ctx, a, id)
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.Route{RuleSet: some(d.RuleSet), Lead: d.Lead, LeadName: some(w.UnitName(d.Lead)), Assists: &d.Assists, Rule: d.Rule, Source: some(string(d.Source)), Path: some(string(d.Path)), Priority: some(string(d.Priority)),
		Fallback: &d.Fallback, NeedsCatalogReview: &d.NeedsCatalogReview, LegalBasis: &d.LegalBasis, At: &at, Trace: []api.RouteStep{}}
	for _, step := range d.Trace {
		status := "ACTIVE"
		if step.Shadow {
			status = "SHADOW"
		}
		out.Trace = append(out.Trace, api.RouteStep{Rule: step.Rule, Title: some(step.Title), Source: string(step.Source), Status: &status, Matched: step.Matched, Why: step.Why})
	}
	return api.CaseRoute200JSONResponse(out), nil
}

// ActOnCase is the one door. The answer is made from the decided case, before it is written, so that a repeated
// command gets exactly the first answer.
func (s *server) ActOnCase(ctx context.Context, r api.ActOnCaseRequestObject) (api.ActOnCaseResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	if !dispatch.ForStaff(dispatch.Action(r.Action)) {
		return nil, fault.New(http.StatusNotFound, "UNKNOWN_ACTION", "没有这个动作: %s", r.Action)
	}
	raw := json.RawMessage("{}")
	if r.Body != nil {
		if raw, err = json.Marshal(r.Body); err != nil {
			return nil, err
		}
	}
	cmd, err := dispatch.ParseCommand(dispatch.Action(r.Action), raw)
	if err != nil {
		// Somebody who may not see the case learns nothing from how the body is judged.
		if _, hidden := s.Desk.View(ctx, a, id); hidden != nil {
			return nil, hidden
		}
		return nil, err
	}
	keyed(&cmd, raw, r.Params.IdempotencyKey)
	var view api.Case
	var shown []dispatch.ReportView
	render := func(o *dispatch.Outcome) (json.RawMessage, error) {
		reports, err := s.Desk.Reports(ctx, a.District, id)
		if err != nil {
			return nil, err
		}
		view = s.caseView(ctx, a, o, reports)
		if n := len(o.Snapshot.Reveals); cmd.Action == dispatch.ActReveal && n > 0 {
			view.RevealedReport = new(o.Snapshot.Reveals[n-1].ReportID.String())
		}
		shown = reports
		return json.Marshal(view)
	}
	out, err := s.Desk.Do(ctx, a, id, cmd, render)
	if err != nil {
		return nil, err
	}
	if out.Replayed {
		return s.replayed(ctx, a, id, &cmd, out.Answer)
	}
	if cmd.Key == "" {
		if _, err := render(out); err != nil {
			return nil, err
		}
	}
	if err := s.open(a, &cmd, &view, shown); err != nil {
		return nil, err
	}
	return api.ActOnCase200JSONResponse{Body: view}, nil
}

// open adds the revealed value to an answer, after the reveal has been written. What is stored with an idempotency key
// does not hold it.
func (s *server) open(a auth.Actor, cmd *dispatch.Command, view *api.Case, reports []dispatch.ReportView) error {
	if cmd.Action != dispatch.ActReveal {
		return nil
	}
	for i := range reports {
		if reports[i].ID.String() != deref(view.RevealedReport) {
			continue
		}
		value, err := s.Desk.Open(a.District, cmd.Body.Field, &reports[i])
		if err != nil {
			return err
		}
		view.Value = &value
	}
	return nil
}

// replayed gives the first answer of a repeated command; a reveal's value is opened again for the same command.
func (s *server) replayed(ctx context.Context, a auth.Actor, id uuid.UUID, cmd *dispatch.Command, answer json.RawMessage) (api.ActOnCaseResponseObject, error) {
	if cmd.Action != dispatch.ActReveal {
		return replay{answer}, nil
	}
	var view api.Case
	if err := json.Unmarshal(answer, &view); err != nil {
		return nil, err
	}
	reports, err := s.Desk.Reports(ctx, a.District, id)
	if err != nil {
		return nil, err
	}
	if err := s.open(a, cmd, &view, reports); err != nil {
		return nil, err
	}
	answer, err = json.Marshal(view)
	return replay{answer}, err
}

// replay is the stored first answer of a repeated command.
type replay struct{ body json.RawMessage }

func (p replay) VisitActOnCaseResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(p.body)
	return err
}

func (s *server) Tasks(ctx context.Context, r api.TasksRequestObject) (api.TasksResponseObject, error) {
	a := actorOf(ctx)
	tasks, next, now, err := s.Desk.Tasks(ctx, a, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.TaskList{Items: []api.Task{}, NextCursor: some(next), ServerTime: &a.Now}
	for i := range tasks {
		t := &tasks[i]
		sum := s.summary(ctx, a, w, &t.Case, t.Thumb, now)
		item := api.Task{Actions: []string{}, Task: api.TaskTask(t.Kind), TaskText: new(dispatch.TaskText(t.Kind, lang(ctx))), TaskDue: t.Due}
		if g := t.Given; g != nil {
			item.Handler, item.GivenToMe = &api.PersonRef{AccountId: g.Account.String(), Name: g.Name}, new(g.Account == a.Account)
		}
		if raw, err := json.Marshal(sum); err == nil {
			_ = json.Unmarshal(raw, &item) // the two types share these members by construction (allOf)
		}
		for _, act := range t.Actions {
			item.Actions = append(item.Actions, string(act))
		}
		out.Items = append(out.Items, item)
	}
	return api.Tasks200JSONResponse(out), nil
}

func (s *server) ListCalls(ctx context.Context, r api.ListCallsRequestObject) (api.ListCallsResponseObject, error) {
	a := actorOf(ctx)
	rows, next, now, err := s.Desk.Calls(ctx, a, string(deref(r.Params.State)), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.ListCalls200JSONResponse{Items: []api.CallRow{}, NextCursor: some(next)}
	for i := range rows {
		row := &rows[i]
		item := api.CallRow{Case: s.summary(ctx, a, w, &row.Case, "", now), Call: callView(w, &row.Call, row.Targets)}
		for j := range row.Targets {
			for _, u := range a.Units() {
				if row.Targets[j].Unit == u {
					item.Mine = new(targetView(w, &row.Targets[j]))
				}
			}
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func (s *server) CallQr(ctx context.Context, r api.CallQrRequestObject) (api.CallQrResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	token, expires, err := s.Desk.IssueQR(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return api.CallQr200JSONResponse{Qr: token, ExpiresAt: expires}, nil
}

func (s *server) MetricsOverview(ctx context.Context, r api.MetricsOverviewRequestObject) (api.MetricsOverviewResponseObject, error) {
	s.fresh(ctx)
	a := actorOf(ctx)
	from, to := s.span(a, r.Params.From, r.Params.To)
	by := "unit"
	if r.Params.By != nil {
		by = string(*r.Params.By)
	}
	o, err := s.Desk.Overview(ctx, a, from, to, by)
	if err != nil {
		return nil, err
	}
	first, last := from.Format(time.DateOnly), to.Format(time.DateOnly)
	out := api.Metrics{By: by, Items: []api.MetricsRow{}, Total: figures(&o.Total), AsOf: o.AsOf}
	out.From.Time, out.To.Time = from, to
	out.Total.Drill = drills("", "", first, last, overviewDrills...)
	for i := range o.Rows {
		one := figures(&o.Rows[i])
		one.Drill = drills(by, one.Key, first, last, overviewDrills...)
		out.Items = append(out.Items, one)
	}
	return api.MetricsOverview200JSONResponse(out), nil
}

// overviewDrills are the figures of the overview by the name under which what they counted is listed.
var overviewDrills = []string{"received", "closed", "solved", "open", "overdue", "call_response", "on_time_checkin", "checkin_time", "on_time_disposal", "resolution", "satisfied", "hops"}

func hops(f *dispatch.Figures) *api.Hops {
	h := &api.Hops{Total: f.Hops, Cases: f.HopCases, Most: f.MostHops}
	if f.HopCases > 0 {
		h.Mean = new(float64(f.Hops) / float64(f.HopCases))
	}
	return h
}

func figures(f *dispatch.Figures) api.MetricsRow {
	ratio := func(r dispatch.Ratio) *api.Ratio { return new(ratioView(r)) }
	out := api.MetricsRow{Key: f.Key, Name: f.Name, Received: f.Received, Closed: f.Closed, Solved: &f.Solved, Open: &f.Open, Overdue: &f.Overdue, CallResponse: ratio(f.CallResponse), OnTimeCheckin: ratio(f.OnTimeCheckin),
		OnTimeDisposal: ratio(f.OnTimeDisposal), Resolution: ratio(f.Resolution), Satisfied: ratio(f.Satisfied), Hops: hops(f)}
	out.CheckinTime = &api.CheckinTime{N: f.CallResponse.Num, Remote: f.Remote, Seconds: f.CheckinSeconds}
	if f.CallResponse.Num > 0 {
		out.CheckinTime.MeanMinutes = new(float64(f.CheckinSeconds) / 60 / float64(f.CallResponse.Num))
	}
	return out
}

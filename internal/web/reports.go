package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

func pointIn(p *api.Point) *dispatch.PointIn {
	if p == nil {
		return nil
	}
	return &dispatch.PointIn{Lon: p.Lon, Lat: p.Lat, Datum: string(p.Datum), AccuracyM: p.AccuracyM}
}

func (s *server) SubmitReport(ctx context.Context, r api.SubmitReportRequestObject) (api.SubmitReportResponseObject, error) {
	receipt, replayed, err := s.submit(ctx, r.Body, deref(r.Params.IdempotencyKey), false)
	if err != nil {
		return nil, err
	}
	out := api.SubmitReport201JSONResponse{Body: api.Receipt{ReportId: receipt.ReportID.String(), ReceiptCode: receipt.ReceiptCode, TrackToken: receipt.TrackToken, CaseId: receipt.CaseID.String(), CaseNo: some(receipt.CaseNo),
		CaseState: string(receipt.CaseState), GridCode: receipt.GridCode, GridName: some(receipt.GridName), Street: some(receipt.Street), StreetName: some(receipt.StreetName), UnitName: some(receipt.UnitName),
		PromiseAt: receipt.PromiseAt, ReceivedAt: &receipt.ReceivedAt, Duplicates: duplicates(receipt.Duplicates)}}
	if replayed {
		out.Headers.IdempotentReplayed = new("true")
	}
	return out, nil
}

// submit is the one way from a report of the contract to the desk, with the limits of its sender; unplaced says that the
// point only stands for an address.
func (s *server) submit(ctx context.Context, b *api.ReportNew, key string, unplaced bool) (*dispatch.Receipt, bool, error) {
	a := actorOf(ctx)
	again := false
	if key != "" {
		leave, second, err := s.underway.enter(ctx, a.District+" "+a.ID()+":"+key)
		if err != nil {
			return nil, false, err
		}
		defer leave()
		again = second
	}
	held, err := s.intake(ctx, a, pointIn(&b.Point), key, again)
	if err != nil {
		return nil, false, err
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, false, err
	}
	sum := sha256.Sum256(raw)
	in := &dispatch.Submission{Text: deref(b.Text), Matter: deref(b.Matter), StandardRef: strings.TrimSpace(deref(b.StandardRef)), Point: *pointIn(&b.Point), Address: deref(b.Address), MediaIDs: deref(b.MediaIds), Phone: deref(b.Phone), ContactName: deref(b.ContactName),
		Anonymous: deref(b.Anonymous), NoContact: deref(b.NoContact), OnBehalf: deref(b.OnBehalf), OccurredAt: b.OccurredAt, Facets: deref(b.Facets), Source: string(deref(b.Source)), ExternalRef: deref(b.ExternalRef), Unplaced: unplaced,
		SelfHandled: deref(b.SelfHandled), AfterMediaIDs: deref(b.AfterMediaIds), Follow: deref(b.Follow), PlaceCode: strings.ToUpper(deref(b.PlaceCode)), Held: held, Key: key, Hash: sum[:]}
	return s.Desk.Submit(ctx, a, in)
}

func duplicates(in []dispatch.Duplicate) []api.Duplicate {
	out := make([]api.Duplicate, 0, len(in))
	for _, d := range in {
		out = append(out, api.Duplicate{CaseId: d.CaseID.String(), CaseNo: some(d.CaseNo), Matter: d.Matter, MatterName: some(d.MatterName), State: string(d.State), StatusText: some(d.StatusText), DistanceM: d.DistanceM, CreatedAt: d.CreatedAt, ReporterCount: new(d.ReporterCount), Likely: new(d.Likely), Reasons: &d.Reasons})
	}
	return out
}

// reworded are look-alikes in the reader's language. (A receipt keeps the words of its time: every retry gets the same.)
func (s *server) reworded(ctx context.Context, in []dispatch.Duplicate) []dispatch.Duplicate {
	l := lang(ctx)
	w := s.world(actorOf(ctx).District)
	if l != "en" || w == nil {
		return in
	}
	for i := range in {
		d := &in[i]
		d.MatterName = w.MatterNameIn(d.Matter, l)
		d.StatusText, _ = w.ResidentStatus(&dispatch.Case{State: d.State, LeadUnit: d.LeadUnit}, l)
	}
	return in
}

func (s *server) NearbyReports(ctx context.Context, r api.NearbyReportsRequestObject) (api.NearbyReportsResponseObject, error) {
	a := actorOf(ctx)
	p, err := (&dispatch.PointIn{Lon: r.Params.Lon, Lat: r.Params.Lat, Datum: string(r.Params.Datum)}).WGS84()
	if err != nil {
		return nil, err
	}
	found, err := s.Desk.Nearby(ctx, a.District, dispatch.Look{Matter: deref(r.Params.Matter), At: p}, a.Now, 20)
	if err != nil {
		return nil, err
	}
	return api.NearbyReports200JSONResponse{Items: duplicates(s.reworded(ctx, found))}, nil
}

func (s *server) MyReports(ctx context.Context, r api.MyReportsRequestObject) (api.MyReportsResponseObject, error) {
	a := actorOf(ctx)
	page, next, err := s.Desk.MyReports(ctx, a, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.MyReports200JSONResponse{Items: []api.ResidentView{}, NextCursor: some(next)}
	for _, t := range page {
		out.Items = append(out.Items, s.residentView(ctx, a, t, true))
	}
	return out, nil
}

// CaseDuplicates are what a dispatcher may merge the case into, with reasons.
func (s *server) CaseDuplicates(ctx context.Context, r api.CaseDuplicatesRequestObject) (api.CaseDuplicatesResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	found, err := s.Desk.MergeCandidates(ctx, actorOf(ctx), id, 20)
	if err != nil {
		return nil, err
	}
	return api.CaseDuplicates200JSONResponse{Items: duplicates(s.reworded(ctx, found))}, nil
}

const (
	trackTries = 20 // wrong guesses of an address before it is locked
	trackLock  = 10 * time.Minute
)

// track finds a report. An address that guessed wrong too often learns nothing for a while, not even by a right guess; who is
// signed in as the reporter or holds the link token guesses nothing and is let through.
func (s *server) track(ctx context.Context, code string, tail *string) (*dispatch.Tracked, error) {
	wide := s.WideLimits != nil && s.WideLimits()
	key := "track:" + string(s.Keys.Blind("000000", "address", ginOf(ctx).ClientIP()))
	var locked time.Duration
	if tail != nil && !wide {
		locked = s.Limits.Locked(ctx, key, trackTries)
	}
	t, err := s.Desk.TrackByCode(ctx, actorOf(ctx), code, deref(tail))
	if fault.Is(err, "NOT_FOUND") && !wide {
		locked = max(locked, s.Limits.Strike(ctx, key, trackTries, trackLock))
	}
	if locked > 0 && (err != nil || !s.own(ctx, t)) {
		return nil, fault.New(429, "TOO_MANY", "查询错误次数过多，请稍后再试").After(locked)
	}
	return t, err
}

func (s *server) TrackReport(ctx context.Context, r api.TrackReportRequestObject) (api.TrackReportResponseObject, error) {
	t, err := s.track(ctx, r.ReceiptCode, r.Params.PhoneTail)
	if err != nil {
		return nil, err
	}
	return api.TrackReport200JSONResponse(s.residentView(ctx, actorOf(ctx), t, s.own(ctx, t))), nil
}

func (s *server) own(ctx context.Context, t *dispatch.Tracked) bool {
	a := actorOf(ctx)
	return a.Kind == auth.Resident && t.Report.AccountID != nil && *t.Report.AccountID == a.Account
}

// ReportVerb is what the reporter does with a report: the same door as the staff's actions.
func (s *server) ReportVerb(ctx context.Context, r api.ReportVerbRequestObject) (api.ReportVerbResponseObject, error) {
	t, err := s.track(ctx, r.ReceiptCode, r.Params.PhoneTail)
	if err != nil {
		return nil, err
	}
	act, ok := dispatch.ReporterAction(string(r.Verb))
	if !ok {
		return nil, fault.NotFound()
	}
	raw := json.RawMessage("{}")
	if r.Body != nil {
		if raw, err = json.Marshal(r.Body); err != nil {
			return nil, err
		}
	}
	cmd, err := dispatch.ParseCommand(act, raw)
	if err != nil {
		return nil, err
	}
	keyed(&cmd, raw, r.Params.IdempotencyKey)
	a := actorOf(ctx)
	if act == dispatch.ActFollow && (a.Kind != auth.Resident || a.District != t.Case.District) {
		return nil, fault.Forbidden("SIGN_IN_NEEDED", "请先登录再关注")
	}
	if !s.own(ctx, t) && act != dispatch.ActFollow {
		// Known by code and phone or by link: the report itself is who acts, whatever session the browser has.
		device := a.Device
		a = auth.Actor{District: t.Case.District, Kind: auth.Guest, Device: t.Report.ID, Bindings: []auth.Binding{{Role: auth.RoleResident}}}
		if len(cmd.Body.MediaIDs) > 0 {
			a.Device = device
		}
	}
	out, err := s.Desk.DoAsReporter(ctx, a, t.Case.ID, t.Report.ID, cmd, nil)
	if err != nil {
		return nil, err
	}
	after, err := s.Desk.TrackByCode(ctx, a, t.Track, "")
	if err != nil {
		return nil, err
	}
	resp := api.ReportVerb200JSONResponse{Body: s.residentView(ctx, actorOf(ctx), after, s.own(ctx, t))}
	if out.Replayed {
		resp.Headers.IdempotentReplayed = new("true")
	}
	return resp, nil
}

func keyed(cmd *dispatch.Command, raw []byte, key *string) {
	if key != nil {
		sum := sha256.Sum256(append([]byte(cmd.Action+"\n"), raw...))
		cmd.Key, cmd.Hash = *key, sum[:]
	}
}

func (s *server) Locate(ctx context.Context, r api.LocateRequestObject) (api.LocateResponseObject, error) {
	p, err := (&dispatch.PointIn{Lon: r.Params.Lon, Lat: r.Params.Lat, Datum: string(r.Params.Datum)}).WGS84()
	if err != nil {
		return nil, err
	}
	ix := s.Desk.Worlds().Index()
	place, ok := ix.Locate(p)
	if !ok {
		e := fault.New(404, "OUT_OF_AREA", "该位置不在服务网格内")
		if code, name, ok := ix.LocateDistrict(p); ok {
			e = e.With("district", map[string]string{"code": code, "name": name})
		}
		return nil, e
	}
	out := api.Place{GridCode: place.GridCode, Grid: api.AreaRef{Code: place.GridCode, Name: place.GridName}, Community: api.AreaRef{Code: place.CommunityCode, Name: place.CommunityName},
		Street: api.AreaRef{Code: place.StreetCode, Name: place.StreetName}, District: api.AreaRef{Code: place.DistrictCode, Name: place.DistrictName}, LandUse: some(place.LandUse), Approx: new(place.Approx)}
	if place.Approx {
		out.Notice = new(grid.ApproxNotice)
	}
	return api.Locate200JSONResponse(out), nil
}

func caseID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return id, fault.NotFound()
	}
	return id, nil
}

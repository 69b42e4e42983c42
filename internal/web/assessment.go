package web

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"yixian/api"
	"yixian/dispatch"
	"yixian/dispatch/score"
)

func (s *server) ListAssessments(ctx context.Context, r api.ListAssessmentsRequestObject) (api.ListAssessmentsResponseObject, error) {
	a := actorOf(ctx)
	list, frozen, err := s.Desk.Assessments(ctx, a, r.Params.Period)
	if err != nil {
		return nil, err
	}
	out := api.ListAssessments200JSONResponse{Items: []api.Assessment{}, Period: r.Params.Period, Frozen: frozen}
	for i := range list {
		out.Items = append(out.Items, sheetView(s.world(a.District), &list[i]))
	}
	return out, nil
}

func (s *server) GetAssessment(ctx context.Context, r api.GetAssessmentRequestObject) (api.GetAssessmentResponseObject, error) {
	a := actorOf(ctx)
	sheet, revisions, err := s.Desk.Sheet(ctx, a, r.Unit, r.Period, deref(r.Params.Revision))
	if err != nil {
		return nil, err
	}
	objections, err := s.Desk.Objections(ctx, a, r.Unit, r.Period)
	if err != nil {
		return nil, err
	}
	all, _, err := s.Desk.Assessments(ctx, a, r.Period)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Unit == sheet.Unit && all[i].Revision == sheet.Revision {
			sheet.Rank = all[i].Rank
		}
	}
	out := sheetView(s.world(a.District), sheet)
	out.Revisions, out.Payload, out.Objections = &revisions, &sheet.Payload, new([]api.Objection{})
	for i := range objections {
		*out.Objections = append(*out.Objections, objectionView(&objections[i]))
	}
	return api.GetAssessment200JSONResponse(out), nil
}

// sheetView shows a sheet; numbers are the sheet's own decimals.
func sheetView(w *dispatch.World, s *dispatch.StoredSheet) api.Assessment {
	day := func(text string) time.Time {
		at, _ := time.Parse(time.RFC3339, text) // written by score
		return at
	}
	out := api.Assessment{Unit: s.Unit, Name: w.UnitName(s.Unit), Kind: api.AssessmentKind(s.Kind), Period: s.Period, From: day(s.From), To: day(s.To), Revision: s.Revision, Frozen: s.Frozen, FrozenAt: s.FrozenAt,
		Cause: new(api.AssessmentCause(s.Cause)), ExclusionId: idText(s.Exclusion), Sufficient: s.Sufficient, Rank: s.Rank, NeedDispose: s.NeedDispose, CallTargetsDue: s.CallTargetsDue, ValidRatings: s.ValidRatings,
		Indicators: []api.AssessmentLine{}, Weight: *number(s.Weight), Composite: number(s.Composite), AfterDeductions: number(s.Score), ExclusionFlag: s.ExclusionFlag, Hash: s.Hash}
	out.Deductions.Yellow, out.Deductions.Red, out.Deductions.UnfoundedReturns, out.Deductions.Points = s.Deductions.Yellow, s.Deductions.Red, s.Deductions.Unfounded, *number(s.Points)
	out.HandlingHours.N, out.HandlingHours.Median, out.HandlingHours.P90, out.HandlingHours.Mean = s.Hours.N, number(s.Hours.Median), number(s.Hours.P90), number(s.Hours.Mean)
	drill := "/api/v1/assessments/" + s.Unit + "/" + s.Period + "/facts"
	for _, l := range s.Lines {
		i := score.ByID(l.ID)
		if i == nil {
			continue // an indicator of an older version of the formulas: it stays in the payload
		}
		out.Indicators = append(out.Indicators, api.AssessmentLine{Id: l.ID, Name: i.Name, Formula: i.Formula, Numerator: l.Num, Denominator: l.Den, Value: number(l.Value), Text: l.Text, Drill: drill + "?indicator=" + l.ID})
	}
	rate := s.ExclusionRate
	out.ExclusionRate = api.AssessmentLine{Id: rate.ID, Name: "剔除率", Formula: "excluded by request / assignments, targets and ratings of the period", Numerator: rate.Num, Denominator: rate.Den, Value: number(rate.Value), Text: rate.Text, Drill: drill}
	raw, err := json.Marshal(s.Taken)
	if err == nil {
		_ = json.Unmarshal(raw, &out.Excluded) // the same two members
	}
	return out
}

// number is a decimal of a sheet; "" is N/A.
func number(decimal string) *float64 {
	v, err := strconv.ParseFloat(decimal, 64)
	if err != nil {
		return nil
	}
	return &v
}

func (s *server) AssessmentFacts(ctx context.Context, r api.AssessmentFactsRequestObject) (api.AssessmentFactsResponseObject, error) {
	rows, next, err := s.Desk.SheetFacts(ctx, actorOf(ctx), r.Unit, r.Period, deref(r.Params.Indicator), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.AssessmentFacts200JSONResponse{Items: []api.AssessmentFact{}, NextCursor: some(next)}
	for i := range rows {
		f := &rows[i]
		out.Items = append(out.Items, api.AssessmentFact{Kind: f.Kind, Id: f.ID, CaseId: some(f.Case), CaseNo: some(f.CaseNo), Role: some(f.Role), At: f.At, Due: f.Due, Done: f.Done, LegalDue: f.LegalDue, Grade: some(f.Grade),
			Excluded: some(f.Excluded), Counted: f.Counted, Holds: f.Holds, Late: some(f.Late)})
	}
	return out, nil
}

func (s *server) ObjectToAssessment(ctx context.Context, r api.ObjectToAssessmentRequestObject) (api.ObjectToAssessmentResponseObject, error) {
	o, err := s.Desk.Object(ctx, actorOf(ctx), r.Unit, r.Period, r.Body.Text)
	if err != nil {
		return nil, err
	}
	return api.ObjectToAssessment201JSONResponse(objectionView(o)), nil
}

func (s *server) AnswerObjection(ctx context.Context, r api.AnswerObjectionRequestObject) (api.AnswerObjectionResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	o, err := s.Desk.AnswerObjection(ctx, actorOf(ctx), id, r.Body.Text)
	if err != nil {
		return nil, err
	}
	return api.AnswerObjection200JSONResponse(objectionView(o)), nil
}

func objectionView(o *dispatch.Objection) api.Objection {
	return api.Objection{Id: o.ID.String(), Unit: o.Unit, Period: o.Period, Revision: o.Revision, Text: o.Text, FiledAt: o.FiledAt, Answer: some(o.Answer), AnsweredAt: o.AnsweredAt}
}

func (s *server) ListExclusions(ctx context.Context, r api.ListExclusionsRequestObject) (api.ListExclusionsResponseObject, error) {
	list, next, err := s.Desk.Exclusions(ctx, actorOf(ctx), string(deref(r.Params.State)), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.ListExclusions200JSONResponse{Items: []api.Exclusion{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, exclusionView(&list[i]))
	}
	return out, nil
}

func (s *server) ProposeExclusion(ctx context.Context, r api.ProposeExclusionRequestObject) (api.ProposeExclusionResponseObject, error) {
	b := r.Body
	e, err := s.Desk.Propose(ctx, actorOf(ctx), dispatch.Exclusion{CaseID: b.CaseId, Subject: b.SubjectId, Unit: deref(b.Unit), Reason: b.Reason, Scope: string(b.Scope), LegalDue: b.LegalDue, Text: b.Text})
	if err != nil {
		return nil, err
	}
	return api.ProposeExclusion201JSONResponse(exclusionView(e)), nil
}

func (s *server) ApproveExclusion(ctx context.Context, r api.ApproveExclusionRequestObject) (api.ApproveExclusionResponseObject, error) {
	e, err := s.decideExclusion(ctx, r.Id, true, r.Body)
	if err != nil {
		return nil, err
	}
	return api.ApproveExclusion200JSONResponse(exclusionView(e)), nil
}

func (s *server) DeclineExclusion(ctx context.Context, r api.DeclineExclusionRequestObject) (api.DeclineExclusionResponseObject, error) {
	e, err := s.decideExclusion(ctx, r.Id, false, r.Body)
	if err != nil {
		return nil, err
	}
	return api.DeclineExclusion200JSONResponse(exclusionView(e)), nil
}

func (s *server) decideExclusion(ctx context.Context, text string, approve bool, body *api.Answer) (*dispatch.Exclusion, error) {
	id, err := caseID(text)
	if err != nil {
		return nil, err
	}
	answer := ""
	if body != nil {
		answer = deref(body.Text)
	}
	return s.Desk.DecideExclusion(ctx, actorOf(ctx), id, approve, answer)
}

func exclusionView(e *dispatch.Exclusion) api.Exclusion {
	return api.Exclusion{Id: e.ID.String(), CaseId: e.CaseID.String(), SubjectId: idText(e.Subject), Unit: some(e.Unit), Reason: e.Reason, Scope: e.Scope, LegalDue: e.LegalDue, State: api.ExclusionState(e.State),
		Text: e.Text, ProposedBy: e.ProposedBy.String(), ProposedAt: e.ProposedAt, DecidedBy: idText(e.DecidedBy), DecidedAt: e.DecidedAt, Answer: some(e.Answer),
		CaseNo: some(e.CaseNo), ProposedByName: some(e.ProposerName), DecidedByName: some(e.DeciderName)}
}

package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

func (s *server) ListCatalog(ctx context.Context, r api.ListCatalogRequestObject) (api.ListCatalogResponseObject, error) {
	p := r.Params
	list, next, err := s.Desk.Catalogue(ctx, actorOf(ctx), dispatch.CatalogFilter{Query: deref(p.Q), Kind: string(deref(p.Kind)), Level: string(deref(p.Level)), Major: deref(p.Major), Area: deref(p.Area), State: string(deref(p.State))}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	return api.ListCatalog200JSONResponse{Items: itemViews(ctx, list), NextCursor: some(next)}, nil
}

func (s *server) CatalogVersions(ctx context.Context, r api.CatalogVersionsRequestObject) (api.CatalogVersionsResponseObject, error) {
	list, err := s.Desk.Versions(ctx, actorOf(ctx), string(deref(r.Params.Kind)), r.Code)
	if err != nil {
		return nil, err
	}
	return api.CatalogVersions200JSONResponse{Items: itemViews(ctx, list)}, nil
}

func itemViews(ctx context.Context, list []dispatch.CatalogVersion) []api.CatalogItem {
	out := make([]api.CatalogItem, 0, len(list))
	for i := range list {
		out = append(out, itemView(ctx, &list[i]))
	}
	return out
}

func itemView(ctx context.Context, v *dispatch.CatalogVersion) api.CatalogItem {
	now := actorOf(ctx).Now
	out := api.CatalogItem{Standard: v.Standard, Kind: string(v.Kind), Code: v.Code, Area: v.Area, Version: v.Version, Latest: v.Latest, State: api.CatalogItemStateINFORCE,
		Name: v.Name, NameEn: v.NameEN, Major: v.Major, MajorName: some(v.MajorName), MajorNameEn: some(v.MajorNameEN), Level: string(v.Level), LeadExpr: string(v.LeadExpr), AssistExpr: []string{},
		NeedsEnforcement: v.NeedsEnforcement, LegalBasis: orNone(v.LegalBasis), Priority: string(v.Priority), Sla: []api.CatalogStage{}, FilingCondition: v.FilingCondition, ClosingCondition: v.ClosingCondition,
		CheckMode: string(v.CheckMode), VerifyBeforeFile: v.VerifyBeforeFile, Sensitivity: string(v.Sensitivity), Path: string(v.Path), Facets: orNone(v.Facets), Synonyms: orNone(v.Synonyms), ExcludeTerms: orNone(v.ExcludeTerms),
		Public: v.Public, ValidTo: v.ValidTo, MadeAt: v.MadeAt, MadeBy: some(v.MadeBy), ApprovedBy: some(v.ApprovedBy), Note: v.Note}
	if v.ValidFrom != nil {
		out.ValidFrom = *v.ValidFrom
	}
	for _, e := range v.AssistExpr {
		out.AssistExpr = append(out.AssistExpr, string(e))
	}
	for _, st := range v.SLA {
		out.Sla = append(out.Sla, api.CatalogStage{Name: st.Name, Budget: st.Budget})
	}
	switch {
	case !v.Active:
		out.State = api.CatalogItemStateWITHDRAWN
	case out.ValidFrom.After(now):
		out.State = api.CatalogItemStateUPCOMING
	case v.ValidTo != nil && !v.ValidTo.After(now):
		out.State = api.CatalogItemStateENDED
	}
	return out
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// itemChange reads an item; what is left out is what most matters have.
func itemChange(b *api.CatalogItemNew) dispatch.ItemChange {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	standard := rule.StandardNational
	if b.Code >= "2" {
		standard = rule.StandardLocal
	}
	it := rule.Item{Standard: or(deref(b.Standard), standard), Kind: rule.Kind(or(string(deref(b.Kind)), string(rule.KindMatter))), Code: b.Code, Area: deref(b.Area), Name: b.Name, NameEN: b.NameEn, MajorName: deref(b.MajorName), MajorNameEN: deref(b.MajorNameEn),
		Level: rule.Level(b.Level), LeadExpr: rule.Expr(deref(b.LeadExpr)), NeedsEnforcement: deref(b.NeedsEnforcement), LegalBasis: deref(b.LegalBasis), Priority: rule.Priority(or(string(deref(b.Priority)), string(rule.P3))),
		FilingCondition: deref(b.FilingCondition), ClosingCondition: deref(b.ClosingCondition), CheckMode: rule.CheckMode(or(deref(b.CheckMode), string(rule.CheckAll))), VerifyBeforeFile: deref(b.VerifyBeforeFile),
		Sensitivity: rule.Sensitivity(or(string(deref(b.Sensitivity)), string(rule.SensPublic))), Path: rule.Path(or(string(deref(b.Path)), string(rule.PathStreetFirst))), Facets: deref(b.Facets), Synonyms: deref(b.Synonyms), ExcludeTerms: deref(b.ExcludeTerms),
		Public: b.Public == nil || *b.Public, ValidFrom: b.ValidFrom, ValidTo: b.ValidTo}
	for _, e := range deref(b.AssistExpr) {
		it.AssistExpr = append(it.AssistExpr, rule.Expr(e))
	}
	for _, st := range deref(b.Sla) {
		it.SLA = append(it.SLA, rule.Stage{Name: st.Name, Budget: st.Budget})
	}
	return dispatch.ItemChange{Item: it, Base: deref(b.Version), Note: deref(b.Note)}
}

func (s *server) AddCatalogItem(ctx context.Context, r api.AddCatalogItemRequestObject) (api.AddCatalogItemResponseObject, error) {
	in := itemChange(r.Body)
	if in.Base = 0; r.Body.Version != nil {
		return nil, fault.Invalid("/version", "新建条目不填版本；修改请用 PUT")
	}
	v, err := s.Desk.PutItem(ctx, actorOf(ctx), in, once(r.Params.IdempotencyKey, "catalog", r.Body))
	if err != nil {
		return nil, err
	}
	return api.AddCatalogItem201JSONResponse(itemView(ctx, v)), nil
}

func (s *server) ChangeCatalogItem(ctx context.Context, r api.ChangeCatalogItemRequestObject) (api.ChangeCatalogItemResponseObject, error) {
	in := itemChange(r.Body)
	switch {
	case in.Base < 1:
		return nil, fault.Invalid("/version", "请给出修改所依据的版本号")
	case in.Item.Code != r.Code:
		return nil, fault.Invalid("/code", "与地址中的编码 %s 不一致；编码不能修改", r.Code)
	}
	v, err := s.Desk.PutItem(ctx, actorOf(ctx), in, dispatch.Once{})
	if err != nil {
		return nil, err
	}
	return api.ChangeCatalogItem200JSONResponse(itemView(ctx, v)), nil
}

func ending(b *api.CatalogEnd) (rule.Kind, string) {
	if b.Kind != nil {
		return rule.Kind(*b.Kind), deref(b.Area)
	}
	return rule.KindMatter, deref(b.Area)
}

func (s *server) RetireCatalogItem(ctx context.Context, r api.RetireCatalogItemRequestObject) (api.RetireCatalogItemResponseObject, error) {
	kind, area := ending(r.Body)
	v, err := s.Desk.Retire(ctx, actorOf(ctx), kind, r.Code, area, r.Body.Version, r.Body.ValidTo, once(r.Params.IdempotencyKey, "retire "+r.Code, r.Body))
	if err != nil {
		return nil, err
	}
	return api.RetireCatalogItem200JSONResponse(itemView(ctx, v)), nil
}

func (s *server) WithdrawCatalogItem(ctx context.Context, r api.WithdrawCatalogItemRequestObject) (api.WithdrawCatalogItemResponseObject, error) {
	kind, area := ending(r.Body)
	v, err := s.Desk.Withdraw(ctx, actorOf(ctx), kind, r.Code, area, r.Body.Version, once(r.Params.IdempotencyKey, "withdraw "+r.Code, r.Body))
	if err != nil {
		return nil, err
	}
	return api.WithdrawCatalogItem200JSONResponse(itemView(ctx, v)), nil
}

func (s *server) ImportCatalog(ctx context.Context, r api.ImportCatalogRequestObject) (api.ImportCatalogResponseObject, error) {
	file, err := fileOf(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	var effective *time.Time
	if day := r.Params.Effective; day != nil {
		at, err := s.world(actorOf(ctx).District).Calendar.ParseTime(day.Format(time.DateOnly) + "T00:00:00")
		if err != nil {
			return nil, err
		}
		effective = &at
	}
	done, err := s.Desk.ImportCatalog(ctx, actorOf(ctx), file, effective, deref(r.Params.DryRun))
	if err != nil {
		return nil, err
	}
	return api.ImportCatalog200JSONResponse{DryRun: done.DryRun, Added: done.Added, Changed: done.Changed, Unchanged: done.Unchanged, Codes: &done.Codes}, nil
}

func (d attachment) VisitExportCatalogResponse(w http.ResponseWriter) error   { return d.send(w) }
func (d attachment) VisitCatalogCoverageResponse(w http.ResponseWriter) error { return d.send(w) }

func (s *server) ExportCatalog(ctx context.Context, r api.ExportCatalogRequestObject) (api.ExportCatalogResponseObject, error) {
	format := tables.Format(deref(r.Params.Format))
	if format == "" {
		format = tables.CSV
	}
	var whole bytes.Buffer // a district's catalogue is small, and an error must not come in the middle of a file
	if err := s.Desk.ExportCatalog(ctx, actorOf(ctx), format, &whole); err != nil {
		return nil, err
	}
	return attachment{"catalog-" + actorOf(ctx).District, format, func(w io.Writer) error { _, err := whole.WriteTo(w); return err }}, nil
}

func (s *server) CatalogCoverage(ctx context.Context, r api.CatalogCoverageRequestObject) (api.CatalogCoverageResponseObject, error) {
	a, p := actorOf(ctx), r.Params
	f := dispatch.CoverageFilter{Street: deref(p.Street), Major: deref(p.Major), Gap: rule.Lack(deref(p.Gap))}
	format, limit := tables.Format(deref(p.Format)), limitOf(p.Limit)
	file := format == tables.CSV || format == tables.XLSX
	if file {
		limit = 0 // the whole report
	}
	report, next, err := s.Desk.Coverage(ctx, a, f, limit, deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	if file {
		return attachment{"coverage-" + a.District, format, func(to io.Writer) error { return w.CoverageSheet().Write(to, format, report.Items) }}, nil
	}
	out := api.CatalogCoverage{Items: []api.CoverageGap{}, NextCursor: some(next), Pairs: report.Pairs, Covered: report.Covered}
	out.Gaps.RULE, out.Gaps.UNIT, out.Gaps.SLA, out.Gaps.BASIS = report.Gaps[rule.LackRule], report.Gaps[rule.LackUnit], report.Gaps[rule.LackSLA], report.Gaps[rule.LackBasis]
	for i := range report.Items {
		c := &report.Items[i]
		row := api.CoverageGap{Street: c.Street, StreetName: w.AreaName(c.Street), Code: c.Item.Code, Name: c.Item.Name, Gaps: []api.CoverageGapGaps{}, DecidedBy: some(c.Rule), Lead: some(c.Lead), Conditional: new(c.Conditional)}
		if c.Lead != "" {
			row.LeadName = some(w.UnitName(c.Lead))
		}
		for _, g := range c.Gaps {
			row.Gaps = append(row.Gaps, api.CoverageGapGaps(g))
		}
		out.Items = append(out.Items, row)
	}
	return api.CatalogCoverage200JSONResponse{Body: out}, nil
}

func (s *server) CommunityAccess(ctx context.Context, _ api.CommunityAccessRequestObject) (api.CommunityAccessResponseObject, error) {
	list, err := s.Desk.Access(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	codes := map[string]bool{}
	for i := range list.Items {
		codes[list.Items[i].Code] = true
	}
	return api.CommunityAccess200JSONResponse{Limit: list.Limit, Used: len(codes), Items: itemViews(ctx, list.Items)}, nil
}

func (s *server) CatalogRequests(ctx context.Context, r api.CatalogRequestsRequestObject) (api.CatalogRequestsResponseObject, error) {
	list, next, err := s.Desk.Requests(ctx, actorOf(ctx), string(deref(r.Params.State)), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.CatalogRequests200JSONResponse{Items: []api.CatalogRequest{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, requestView(&list[i]))
	}
	return out, nil
}

func requestView(r *dispatch.CatalogRequest) api.CatalogRequest {
	out := api.CatalogRequest{Id: r.ID.String(), Kind: api.CatalogRequestKind(r.Kind), State: api.CatalogRequestState(r.State), Reason: r.Reason, RequestedBy: r.Requester, RequestedAt: r.RequestedAt, DecidedBy: some(r.Decider), DecidedAt: r.DecidedAt, Answer: some(r.Answer)}
	if r.Body.Limit != 0 {
		out.Limit = &r.Body.Limit
	}
	if it := r.Body.Item; it != nil {
		out.Item = &map[string]any{"code": it.Code, "area": it.Area, "name": it.Name, "level": it.Level, "lead_expr": it.LeadExpr, "sla": it.SLA, "valid_from": it.ValidFrom, "version": r.Body.Base, "note": r.Body.Note}
	}
	return out
}

func (s *server) AskCatalog(ctx context.Context, r api.AskCatalogRequestObject) (api.AskCatalogResponseObject, error) {
	var in *dispatch.ItemChange
	switch b := r.Body; {
	case b.Item != nil && b.Limit != nil:
		return nil, fault.Invalid("/limit", "一次只申请一件事：条目或名额")
	case b.Item != nil:
		in = new(itemChange(b.Item))
	case b.Limit == nil:
		return nil, fault.Invalid("/item", "请给出要准入的条目 item，或新的名额 limit")
	}
	req, err := s.Desk.Ask(ctx, actorOf(ctx), in, deref(r.Body.Limit), r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return api.AskCatalog201JSONResponse(requestView(req)), nil
}

func (s *server) DecideCatalog(ctx context.Context, r api.DecideCatalogRequestObject) (api.DecideCatalogResponseObject, error) {
	id, err := uuid.Parse(r.Id)
	if err != nil {
		return nil, fault.NotFound()
	}
	answer := ""
	if r.Body != nil {
		answer = deref(r.Body.Text)
	}
	req, err := s.Desk.DecideRequest(ctx, actorOf(ctx), id, r.Verb == "approve", answer)
	if err != nil {
		return nil, err
	}
	return api.DecideCatalog200JSONResponse(requestView(req)), nil
}

func (s *server) CodeMap(ctx context.Context, r api.CodeMapRequestObject) (api.CodeMapResponseObject, error) {
	list, next, err := s.Desk.CodeMap(ctx, actorOf(ctx), deref(r.Params.Standard), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(actorOf(ctx).District)
	out := api.CodeMap200JSONResponse{Items: []api.CodeMapping{}, NextCursor: some(next)}
	for _, m := range list {
		out.Items = append(out.Items, api.CodeMapping{StandardFrom: m.StandardFrom, CodeFrom: m.CodeFrom, StandardTo: some(m.StandardTo), CodeTo: some(m.CodeTo), NameTo: some(w.MatterNameIn(m.CodeTo, lang(ctx)))})
	}
	return out, nil
}

func (s *server) PutCodeMap(ctx context.Context, r api.PutCodeMapRequestObject) (api.PutCodeMapResponseObject, error) {
	var list []rule.Mapping
	for _, m := range r.Body.Items {
		list = append(list, rule.Mapping{StandardFrom: strings.TrimSpace(m.StandardFrom), CodeFrom: strings.TrimSpace(m.CodeFrom), StandardTo: strings.TrimSpace(deref(m.StandardTo)), CodeTo: strings.TrimSpace(deref(m.CodeTo))})
	}
	set, removed, err := s.Desk.PutCodeMap(ctx, actorOf(ctx), list)
	if err != nil {
		return nil, err
	}
	return api.PutCodeMap200JSONResponse{Set: set, Removed: removed}, nil
}

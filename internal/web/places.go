package web

import (
	"context"
	"net/http"
	"strings"

	"yixian/api"
	"yixian/dispatch/rule"
	"yixian/grid"
)

func (s *server) Grids(ctx context.Context, r api.GridsRequestObject) (api.GridsResponseObject, error) {
	box := grid.World
	if r.Params.Bbox != nil {
		var err error
		if box, err = grid.ParseBox(*r.Params.Bbox); err != nil {
			return nil, err
		}
	}
	body, etag, err := s.Desk.Worlds().Index().GeoJSON(actorOf(ctx).District, string(deref(r.Params.Level)), box)
	if err != nil {
		return nil, err
	}
	if deref(r.Params.IfNoneMatch) == etag {
		return api.Grids304Response{}, nil
	}
	return geo{body, etag}, nil
}

// geo writes the GeoJSON as it is, without a second coding.
type geo struct {
	body []byte
	etag string
}

func (g geo) VisitGridsResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/geo+json")
	w.Header().Set("ETag", g.etag)
	w.Header().Set("Cache-Control", "private, no-cache")
	_, err := w.Write(g.body)
	return err
}

func (s *server) Units(ctx context.Context, _ api.UnitsRequestObject) (api.UnitsResponseObject, error) {
	w := s.world(actorOf(ctx).District)
	out := api.Units200JSONResponse{Items: []api.Unit{}}
	for _, u := range w.UnitsSorted() {
		unit := api.Unit{Code: u.Code, Name: u.Name, ShortName: u.ShortName, Kind: u.Kind, Line: some(u.Line), Parent: some(u.Parent), AreaCode: some(u.AreaCode)}
		if u.Kind == grid.UnitCommunity {
			unit.HasBoundary = new(len(w.Index.Children(u.AreaCode)) > 0)
		}
		out.Items = append(out.Items, unit)
	}
	return out, nil
}

func matterView(it *rule.Item) api.Matter {
	return api.Matter{Code: it.Code, Kind: string(it.Kind), Standard: some(it.Standard), Name: it.Name, NameEn: some(it.NameEN), Major: some(it.Major), MajorName: some(it.MajorName),
		MajorNameEn: some(it.MajorNameEN), Level: some(string(it.Level)), Priority: some(string(it.Priority)), Sla: some(it.SLA.Handle())}
}

func (s *server) catalog(ctx context.Context) (*rule.Catalog, error) {
	district, err := s.here(ctx)
	if err != nil {
		return nil, err
	}
	return s.world(district).Catalog, nil
}

func (s *server) Matters(ctx context.Context, r api.MattersRequestObject) (api.MattersResponseObject, error) {
	cat, err := s.catalog(ctx)
	if err != nil {
		return nil, err
	}
	out := api.Matters200JSONResponse{Items: []api.Matter{}}
	if q := deref(r.Params.Q); q != "" {
		search := cat.Search
		if ok, _ := actorOf(ctx).May("staff"); ok {
			search = cat.SearchAll
		}
		for _, it := range search(q, limitOf(r.Params.Limit)) {
			out.Items = append(out.Items, matterView(it))
		}
		return out, nil
	}
	for _, code := range cat.Common() {
		if it, ok := cat.Matter(code); ok {
			out.Items = append(out.Items, matterView(it))
		}
	}
	return out, nil
}

func suggestionView(g rule.Suggestion) api.Suggestion {
	v := api.Suggestion{Matter: matterView(g.Item), Confidence: g.Confidence, Sure: g.Confidence >= rule.Sure, Reasons: []api.SuggestionReason{}, Confusable: []api.Matter{}}
	var why []string
	for _, r := range g.Reasons {
		v.Reasons = append(v.Reasons, api.SuggestionReason{Word: r.Word, How: api.SuggestionReasonHow(r.How), Weight: r.Weight})
		why = append(why, r.Word)
	}
	v.Why = some(strings.Join(why, "；"))
	for _, it := range g.Confusable {
		v.Confusable = append(v.Confusable, matterView(it))
	}
	return v
}

func (s *server) SuggestMatter(ctx context.Context, r api.SuggestMatterRequestObject) (api.SuggestMatterResponseObject, error) {
	cat, err := s.catalog(ctx)
	if err != nil {
		return nil, err
	}
	out := api.SuggestMatter200JSONResponse{Items: []api.Suggestion{}}
	for _, g := range cat.Suggest(r.Body.Text) {
		out.Items = append(out.Items, suggestionView(g))
	}
	return out, nil
}

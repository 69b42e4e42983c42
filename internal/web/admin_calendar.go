package web

import (
	"context"
	"io"
	"net/http"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	tables "yixian/internal/sheet"
)

// VisitExportCalendarResponse and VisitImportCalendarResponse answer like those of the other kinds.
func (t *table) VisitExportCalendarResponse(w http.ResponseWriter) error { return t.send(w) }
func (t taken) VisitImportCalendarResponse(w http.ResponseWriter) error  { return t.send(w) }

func (s *server) CalendarDays(ctx context.Context, r api.CalendarDaysRequestObject) (api.CalendarDaysResponseObject, error) {
	list, err := s.Desk.Worlds().Days(ctx, s.DB, actorOf(ctx), deref(r.Params.Year))
	if err != nil {
		return nil, err
	}
	out := api.CalendarDays200JSONResponse{Items: []api.CalendarDay{}}
	for _, d := range list {
		out.Items = append(out.Items, api.CalendarDay{Day: *dayOf(d.Day), IsWork: d.IsWork})
	}
	return out, nil
}

func (s *server) SetCalendarDays(ctx context.Context, r api.SetCalendarDaysRequestObject) (api.SetCalendarDaysResponseObject, error) {
	var set []dispatch.CalendarDay
	for _, d := range deref(r.Body.Days) {
		set = append(set, dispatch.CalendarDay{Day: dayText(&d.Day), IsWork: d.IsWork})
	}
	remove := []string{}
	for _, d := range deref(r.Body.Remove) {
		remove = append(remove, dayText(&d))
	}
	got, err := s.Desk.Worlds().SetDays(ctx, s.DB, actorOf(ctx), "change", set, remove, false)
	if err != nil {
		return nil, err
	}
	return api.SetCalendarDays200JSONResponse{DryRun: got.DryRun, Lines: got.Lines, Created: got.Created, Changed: got.Changed, Unchanged: got.Unchanged}, nil
}

func (s *server) ExportCalendar(ctx context.Context, r api.ExportCalendarRequestObject) (api.ExportCalendarResponseObject, error) {
	return tableOf("calendar", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error {
		return s.Desk.Worlds().ExportDays(ctx, s.DB, actorOf(ctx), w, f)
	})
}

func (s *server) ImportCalendar(ctx context.Context, r api.ImportCalendarRequestObject) (api.ImportCalendarResponseObject, error) {
	return takeIn(ctx, r.Body, r.Params.DryRun, func(ctx context.Context, a auth.Actor, file io.Reader, dry bool) (*tables.Imported, error) {
		return s.Desk.Worlds().ImportDays(ctx, s.DB, a, file, dry)
	})
}

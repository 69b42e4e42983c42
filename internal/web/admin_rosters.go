package web

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/pg"
	tables "yixian/internal/sheet"
)

func dayOf(text string) *openapi_types.Date {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil
	}
	return &openapi_types.Date{Time: d}
}

func dayText(d *openapi_types.Date) string {
	if d == nil {
		return ""
	}
	return d.Format(time.DateOnly)
}

func (s *server) rosterView(ctx context.Context, r *grid.Roster) api.Roster {
	out := api.Roster{Unit: r.Unit, UnitName: some(s.world(actorOf(ctx).District).UnitName(r.Unit)), Version: r.Version, Shifts: []api.DutyShift{}}
	for i := range r.Shifts {
		x := &r.Shifts[i]
		to := x.To
		if to > 24*60 {
			to -= 24 * 60
		}
		v := api.DutyShift{Username: some(x.Username), Name: some(x.Name), Day: dayOf(x.Day), From: tables.ClockText(x.From), To: tables.ClockText(to), ValidTo: dayOf(x.ValidTo)}
		if x.Weekday > 0 {
			v.Weekday, v.ValidFrom = &x.Weekday, dayOf(x.ValidFrom)
		}
		out.Shifts = append(out.Shifts, v)
	}
	return out
}

func (s *server) ListRosters(ctx context.Context, r api.ListRostersRequestObject) (api.ListRostersResponseObject, error) {
	list, next, err := s.Office.Rosters(ctx, actorOf(ctx), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.ListRosters200JSONResponse{Items: []api.Roster{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, s.rosterView(ctx, &list[i]))
	}
	return out, nil
}

func (s *server) GetRoster(ctx context.Context, r api.GetRosterRequestObject) (api.GetRosterResponseObject, error) {
	roster, err := s.Office.Roster(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return api.GetRoster200JSONResponse(s.rosterView(ctx, roster)), nil
}

func (s *server) ChangeRoster(ctx context.Context, r api.ChangeRosterRequestObject) (api.ChangeRosterResponseObject, error) {
	roster, err := s.setRoster(ctx, r.Id, r.Body, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	return api.ChangeRoster200JSONResponse(s.rosterView(ctx, roster)), nil
}

// setRoster makes a unit's roster exactly the shifts of the body; the office decides who may.
func (s *server) setRoster(ctx context.Context, unit string, body *api.RosterIn, ifMatch *string) (*grid.Roster, error) {
	version, err := versionOf(body.Version, ifMatch)
	if err != nil {
		return nil, err
	}
	shifts := []grid.Shift{}
	for _, b := range body.Shifts {
		x := grid.Shift{Username: deref(b.Username), Weekday: deref(b.Weekday), Day: dayText(b.Day), ValidFrom: dayText(b.ValidFrom), ValidTo: dayText(b.ValidTo)}
		if x.From, err = tables.Clock(b.From); err != nil {
			return nil, fault.Invalid("/shifts/from", "%s", err.Error())
		}
		if x.To, err = tables.Clock(b.To); err != nil {
			return nil, fault.Invalid("/shifts/to", "%s", err.Error())
		}
		shifts = append(shifts, x)
	}
	return s.Office.SetRoster(ctx, actorOf(ctx), unit, version, shifts)
}

func (s *server) ExportRosters(ctx context.Context, r api.ExportRostersRequestObject) (api.ExportRostersResponseObject, error) {
	return tableOf("rosters", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error { return s.Office.ExportRosters(ctx, actorOf(ctx), w, f) })
}

func (s *server) ImportRosters(ctx context.Context, r api.ImportRostersRequestObject) (api.ImportRostersResponseObject, error) {
	return takeIn(ctx, r.Body, r.Params.DryRun, s.Office.ImportRosters)
}

// OnDuty is who of a unit is on duty, for everybody who may have to ring them.
func (s *server) OnDuty(ctx context.Context, r api.OnDutyRequestObject) (api.OnDutyResponseObject, error) {
	a := actorOf(ctx)
	if _, ok := s.world(a.District).Units[r.Params.Unit]; !ok {
		return nil, fault.NotFound()
	}
	at := a.Now
	if r.Params.At != nil {
		at = *r.Params.At
	}
	ctx = pg.WithDistrict(ctx, a.District)
	list, err := grid.OnDuty(ctx, s.DB.Pool, []string{a.District}, []string{r.Params.Unit}, at, at)
	if err != nil {
		return nil, pg.Fault(err)
	}
	accounts := make([]uuid.UUID, len(list))
	for i := range list {
		accounts[i] = list[i].Account
	}
	phones, err := s.Auth.MaskedPhones(ctx, a.District, accounts)
	if err != nil {
		return nil, err
	}
	out := api.OnDuty200JSONResponse{At: at, Roster: len(list) > 0, Items: []api.OnDuty{}}
	for _, d := range list {
		out.Items = append(out.Items, api.OnDuty{AccountId: d.Account.String(), Name: d.Name, From: &d.From, Until: d.Until, Phone: some(phones[d.Account])})
	}
	return out, nil
}

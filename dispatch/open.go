package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// OpenRequest is one report as everybody may see it: no person, words masked, a home not on the point.
type OpenRequest struct {
	ID          uuid.UUID // of the report
	Matter      string
	Text        string // masked
	Status      State
	StatusText  string
	Lead        string // name of the unit in charge, "" before there is one
	Address     string // masked
	Point       grid.Point
	RequestedAt time.Time
	UpdatedAt   time.Time // of a closed one the instant of closing
	PromiseAt   *time.Time
	ClosedAt    *time.Time
	Source      string
	Facets      map[string]string
	Photo       string  // id of an approved public copy, "" before there is one
	Notes       []Entry // only when asked for
}

// Closed reports whether nothing more will be done about it.
func (r *OpenRequest) Closed() bool { return !slices.Contains(Active, r.Status) }

// OpenFilter narrows OpenRequests. IDs override everything else. Times are half-open: from inclusive, to exclusive.
type OpenFilter struct {
	IDs                    []uuid.UUID
	Matters                []string
	From, To               time.Time
	UpdatedFrom, UpdatedTo *time.Time
	Open, Closed           bool // both false: either
	Near                   *grid.Point
	RadiusM                float64
	Limit, Offset          int
	Notes                  bool
	Lang                   string
}

// metresPerDegree of latitude, rounded down so that the square holds the circle.
const metresPerDegree = 110_500

// openWhere is what everybody may see at all (domain 4g): nothing sensitive, no whistle-blower, no exercise.
const openWhere = ` r.district = $1 and c.sensitivity in ('PUBLIC', 'NORMAL') and not c.drill and coalesce(nullif(c.matter, ''), r.matter) <> ''`

const openSQL = `select r.id, coalesce(nullif(c.matter, ''), r.matter), r.text, r.received_at, r.source, r.facets, to_jsonb(c),
  case when $11 then (select coalesce(jsonb_agg(to_jsonb(e) order by e.seq), '[]') from case_event e where e.district = c.district and e.case_id = c.id) end,
  case when ` + publicCase + ` then coalesce((select p.id from public_photo p where p.district = c.district and p.case_id = c.id and p.withdrawn_at is null and p.stage = 'BEFORE' order by p.made_at, p.id limit 1), '') else '' end
from report r join cases c on c.district = r.district and c.id = r.case_id
where` + openWhere + ` and case when $2::uuid[] is not null then r.id = any($2) else
  r.received_at >= $3 and r.received_at < $4 and ($5::text[] is null or coalesce(nullif(c.matter, ''), r.matter) = any($5))
  and ($6::bool is null or (c.state = any($7)) = $6)
  and ($8::timestamptz is null or coalesce(c.closed_at, c.updated_at) >= $8) and ($9::timestamptz is null or coalesce(c.closed_at, c.updated_at) < $9)
  and ($10::float8[] is null or c.lon between $10[1] and $10[2] and c.lat between $10[3] and $10[4] and left(coalesce(nullif(c.matter, ''), r.matter), 2) <> all($14)) end
order by r.received_at desc, r.id desc limit $12 offset $13`

// OpenRequests lists reports as everybody may see them, newest first: one query.
func (k *Desk) OpenRequests(ctx context.Context, district string, f OpenFilter) ([]OpenRequest, error) {
	w := k.worlds.Get(district)
	if w == nil {
		return nil, fault.NotFound()
	}
	var open *bool
	if f.Open != f.Closed {
		open = &f.Open
	}
	var box []float64 // first the square around the circle, then the circle
	if f.Near != nil && f.IDs == nil {
		lat := f.RadiusM / metresPerDegree
		lon := lat / max(0.01, math.Cos(f.Near.Lat*math.Pi/180))
		box = []float64{f.Near.Lon - lon, f.Near.Lon + lon, f.Near.Lat - lat, f.Near.Lat + lat}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), openSQL, district, f.IDs, f.From, f.To, f.Matters, open, Active, f.UpdatedFrom, f.UpdatedTo, box, f.Notes, f.Limit, f.Offset, homes)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	out := []OpenRequest{}
	for rows.Next() {
		var r OpenRequest
		var facets, whole, events []byte
		var c Case
		if err := rows.Scan(&r.ID, &r.Matter, &r.Text, &r.RequestedAt, &r.Source, &facets, &whole, &events, &r.Photo); err != nil {
			return nil, pg.Fault(err)
		}
		if err := json.Unmarshal(whole, &c); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(facets, &r.Facets); err != nil {
			return nil, err
		}
		if f.Near != nil && f.IDs == nil && grid.Distance(*f.Near, grid.Point{Lon: c.Lon, Lat: c.Lat}) > f.RadiusM {
			continue
		}
		w.redact(&r, &c, f.Lang)
		if events != nil {
			var list []Event
			if err := json.Unmarshal(events, &list); err != nil {
				return nil, err
			}
			r.Notes = w.Timeline(publicSteps(list), f.Lang)
		}
		out = append(out, r)
	}
	return out, pg.Fault(rows.Err())
}

// homes are the majors whose place is somebody's home (domain 4g): shown at the grid's middle, and not found by place — who asks
// around many points would learn the one that is not shown.
var homes = []string{"22", "24", "25"}

func (w *World) redact(r *OpenRequest, c *Case, lang string) {
	r.Status, r.PromiseAt, r.ClosedAt = c.State, c.PromiseAt, c.ClosedAt
	r.StatusText, _ = w.ResidentStatus(c, lang)
	r.Text, r.Address = seal.MaskText(r.Text), seal.MaskText(c.Address)
	r.Point = grid.Point{Lon: c.Lon, Lat: c.Lat}
	if len(r.Matter) == 5 && slices.Contains(homes, r.Matter[:2]) {
		r.Address = ""
		if middle, ok := w.Index.Centre(c.GridCode); ok {
			r.Point = middle
		}
	}
	if c.LeadUnit != "" {
		r.Lead = w.UnitName(c.LeadUnit)
	}
	if r.UpdatedAt = c.UpdatedAt; c.ClosedAt != nil && r.Closed() {
		r.UpdatedAt = *c.ClosedAt
	}
}

// publicActions are the steps that everybody may read of a case; what the reporter does stays between them and the office.
var publicActions = []Action{ActSubmit, ActFile, ActReject, ActMerge, ActDispatch, ActSign, ActCall, ActCheckIn, ActArbitrate, ActClarify, ActResolve, ActCheckPass, ActCheckFail, ActReopen, ActResume, ActArchive}

func publicSteps(events []Event) []Event {
	return slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return !slices.Contains(publicActions, e.Action) })
}

// OpenUpdate is one public step of one report. ID is the same whenever it is asked for.
type OpenUpdate struct {
	ID      [16]byte
	Request uuid.UUID
	At      time.Time
	Status  State
	Text    string
}

// openUpdatesSQL: a case's updated_at is never before its events, so its index bounds the search.
const openUpdatesSQL = `select e.id, r.id, to_jsonb(e) from cases c join report r on r.district = c.district and r.case_id = c.id
  join case_event e on e.district = c.district and e.case_id = c.id
where` + openWhere + ` and c.district = $1 and c.updated_at >= $2 and e.at >= $2 and e.at < $3 and e.action = any($4) and ($5::uuid[] is null or r.id = any($5))
order by e.at, e.id, r.id limit $6 offset $7`

// OpenUpdates lists the public steps between two instants (to exclusive), oldest first; reports narrows it when given.
func (k *Desk) OpenUpdates(ctx context.Context, district string, from, to time.Time, reports []uuid.UUID, lang string, limit, offset int) ([]OpenUpdate, error) {
	w := k.worlds.Get(district)
	if w == nil {
		return nil, fault.NotFound()
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), openUpdatesSQL, district, from, to, publicActions, reports, limit, offset)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	out := []OpenUpdate{}
	for rows.Next() {
		var event uuid.UUID
		var raw []byte
		var u OpenUpdate
		var e Event
		if err := rows.Scan(&event, &u.Request, &raw); err != nil {
			return nil, pg.Fault(err)
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		said := w.Timeline([]Event{e}, lang)
		if len(said) == 0 {
			continue
		}
		sum := sha256.Sum256(append(event[:], u.Request[:]...))
		copy(u.ID[:], sum[:])
		u.At, u.Status, u.Text = e.At, e.ToState, said[0].Text
		out = append(out, u)
	}
	return out, pg.Fault(rows.Err())
}

// Now is the instant of the domain's clock.
func (k *Desk) Now(ctx context.Context) (now time.Time, err error) {
	err = k.db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now)
	return now, pg.Fault(err)
}

// ReportOf finds a report that the account sent in, with its case: what a partner may add to.
func (k *Desk) ReportOf(ctx context.Context, district string, account, report uuid.UUID) (caseID uuid.UUID, err error) {
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, district), `select case_id from report where district = $1 and id = $2 and account_id = $3`, district, report, account).Scan(&caseID)
	return caseID, pg.Fault(err)
}

// PlaceByWords finds where an address lies as far as its words tell: the community, else the street that it names, else the
// middle of the district. The point is inside a grid. found is false when no name was in it.
func (w *World) PlaceByWords(address string) (p grid.Point, found bool) {
	var best grid.Area
	for _, level := range []string{grid.LevelCommunity, grid.LevelStreet} {
		for code := range w.ByArea {
			a, ok := w.Index.ByCode(code)
			if !ok || a.Level != level || !w.hasGrid(code) && level == grid.LevelCommunity {
				continue
			}
			short := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(a.Name, "社区"), "街道"), "镇")
			if len(short) >= len("东街") && strings.Contains(address, short) && (best.Code == "" || len(a.Name) > len(best.Name)) {
				best = a
			}
		}
		if best.Code != "" {
			return w.inside(best.Code), true
		}
	}
	return w.inside(w.District), false
}

// inside is a point in the first grid below an area: the middle of the grid, which locates to it or to a neighbour.
func (w *World) inside(code string) grid.Point {
	for {
		children := w.Index.Children(code)
		if len(children) == 0 {
			break
		}
		next := ""
		for _, c := range children {
			if _, isGrid := w.Index.Place(c.Code); isGrid || w.anyGrid(c.Code) {
				next = c.Code
				break
			}
		}
		if next == "" {
			break
		}
		code = next
	}
	p, _ := w.Index.Centre(code)
	return p
}

func (w *World) anyGrid(code string) bool {
	for _, c := range w.Index.Children(code) {
		if _, ok := w.Index.Place(c.Code); ok || w.anyGrid(c.Code) {
			return true
		}
	}
	return false
}

// Services are the matters that anybody may report, by code: chosen by residents and not sensitive.
func (w *World) Services() []*rule.Item {
	var out []*rule.Item
	for _, it := range w.Catalog.Matters() {
		if w.IsService(it) {
			out = append(out, it)
		}
	}
	return out
}

// IsService reports whether anybody may report the matter through another city's app.
func (w *World) IsService(it *rule.Item) bool {
	return it.Public && (it.Sensitivity == rule.SensPublic || it.Sensitivity == rule.SensNormal)
}

// PlaceIn is a point inside a grid below an area, with the grid; ok is false when there is none.
func (w *World) PlaceIn(area string) (p grid.Point, place grid.Place, ok bool) {
	p = w.inside(area)
	place, ok = w.Index.Locate(p)
	return p, place, ok && strings.HasPrefix(place.GridCode, area)
}

// RealNow is the real instant by the database, which no sandbox moves: signatures of other systems are measured by it.
func (k *Desk) RealNow(ctx context.Context) (now time.Time, err error) {
	err = k.db.Pool.QueryRow(ctx, "select now()").Scan(&now)
	return now, pg.Fault(err)
}

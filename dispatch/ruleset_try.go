package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// compiled gives a set as it would decide today: its own rules and those outside the sets. "current" is the one in force
// here, 0 the number of a district that has none.
func (k *Desk) compiled(ctx context.Context, w *World, version string) (*rule.Set, error) {
	if version == "" || version == "current" {
		return w.Rules, nil
	}
	n, err := k.setNumber(ctx, w.District, version)
	if err != nil {
		return nil, err
	}
	if _, err := readSet(ctx, k.db.Pool, w.District, n, ""); err != nil {
		return nil, err
	}
	rules, err := setRules(ctx, k.db.Pool, w.District, n)
	if err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(ctx, "select body from rule where district = $1 and status <> 'OFF'", w.District)
	if err != nil {
		return nil, pg.Fault(err)
	}
	outside, err := pgx.CollectRows(rows, readRule)
	if err != nil {
		return nil, pg.Fault(err)
	}
	set, _ := rule.Load(n, append(rules, outside...), w.Catalog, w.dir) // a row that does not compile: the review names it
	return set, nil
}

// Trial is a hypothetical case, or (CaseNo) a case's facts as they were kept when it was filed.
type Trial struct {
	Version   string // number or "current"
	CaseNo    string
	Matter    string
	Grid      string   // or a point
	Point     *PointIn // WGS-84 after conversion
	LandUse   *string  // another one than the grid's
	Source    string
	Mode      string
	Text      string
	Facets    map[string]any
	Component string
	Owner     string
	Maintain  string
	Device    string
	Level     int
	Reporters int
	At        *time.Time
}

// Tried is the answer: which unit, and every condition of every rule that was examined.
type Tried struct {
	Decision rule.Decision
	Examined []rule.Examined
	Grid     string
}

// Simulate asks a set about one case and creates nothing.
func (k *Desk) Simulate(ctx context.Context, a auth.Actor, in Trial) (*Tried, error) {
	if err := administers(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	ctx = pg.WithDistrict(ctx, a.District)
	set, err := k.compiled(ctx, w, in.Version)
	if err != nil {
		return nil, err
	}
	at := a.Now
	if in.At != nil {
		at = *in.At
	}
	f, err := w.trialFacts(in, at)
	if in.CaseNo != "" {
		f, err = k.factsOf(ctx, w, in.CaseNo, at)
	}
	if err != nil {
		return nil, err
	}
	d, examined := set.Explain(f, nil)
	return &Tried{Decision: d, Examined: examined, Grid: f.Grid}, nil
}

func (w *World) trialFacts(in Trial, at time.Time) (rule.Facts, error) {
	if in.CaseNo != "" {
		return rule.Facts{}, nil
	}
	if _, ok := w.Catalog.Matter(in.Matter); !ok {
		return rule.Facts{}, fault.Invalid("/matter", "责任清单中没有事项 %s", in.Matter)
	}
	var place grid.Place
	var p grid.Point
	switch {
	case in.Point != nil:
		var err error
		if p, err = in.Point.WGS84(); err != nil {
			return rule.Facts{}, err
		}
		var ok bool
		if place, ok = w.Index.Locate(p); !ok || place.DistrictCode != w.District {
			return rule.Facts{}, outOfArea(w, p)
		}
	default:
		var ok bool
		if place, ok = w.Index.Place(in.Grid); !ok {
			return rule.Facts{}, fault.Invalid("/grid", "没有网格 %s；请给出网格编码或位置", in.Grid)
		}
		p, _ = w.Index.Centre(in.Grid)
	}
	local := at.In(w.Calendar.Location())
	f := rule.Facts{Matter: in.Matter, Grid: place.GridCode, Community: place.CommunityCode, Street: place.StreetCode, LandUse: place.LandUse, HasPoint: true, Lon: p.Lon, Lat: p.Lat,
		Source: in.Source, Mode: in.Mode, Text: in.Text, Facets: in.Facets, Component: in.Component, ComponentOwner: in.Owner, ComponentMaintainer: in.Maintain, DeviceKind: in.Device,
		AlertLevel: in.Level, ReporterCount: max(1, in.Reporters), Hour: local.Hour(), IsWorkday: w.Calendar.IsWorkingDay(local), At: at}
	if in.LandUse != nil {
		f.LandUse = *in.LandUse
	}
	if f.Source == "" {
		f.Source = "RESIDENT"
	}
	if f.Mode == "" {
		f.Mode = "NORMAL"
	}
	return f, nil
}

// keptSQL reads what was kept of the first routing of a case; of a case from before that was kept, what its row tells.
const keptSQL = `select c.case_no, coalesce(r.facts, jsonb_build_object('matter', c.matter, 'grid', c.grid_code, 'community', c.community_code, 'street', c.street_code, 'land_use', c.land_use, 'lon', c.lon, 'lat', c.lat,
 'source', c.source, 'mode', c.mode, 'reporters', 1, 'hour', extract(hour from c.filed_at)::int, 'is_workday', extract(isodow from c.filed_at) < 6)), r.facts is not null
 from c left join lateral (select x.decision->'facts' as facts from case_route x where x.district = c.district and x.case_id = c.id order by x.seq limit 1) r on true`

func (k *Desk) factsOf(ctx context.Context, w *World, caseNo string, at time.Time) (rule.Facts, error) {
	var no string
	var raw []byte
	var kept bool
	err := k.db.Pool.QueryRow(ctx, "with c as (select * from cases where district = $1 and case_no = $2 and filed_at is not null) "+keptSQL, w.District, strings.TrimSpace(caseNo)).Scan(&no, &raw, &kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return rule.Facts{}, fault.Invalid("/case_no", "没有案卷 %s", caseNo)
	}
	if err != nil {
		return rule.Facts{}, pg.Fault(err)
	}
	var f keptFacts
	if err := json.Unmarshal(raw, &f); err != nil {
		return rule.Facts{}, err
	}
	return f.facts(at), nil
}

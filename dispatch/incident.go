package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// States of an incident. DECLARED holds for AloneFor without a second person, then stands down by itself.
const (
	IncidentDeclared  = "DECLARED"
	IncidentConfirmed = "CONFIRMED"
	IncidentEnded     = "ENDED"
)

// AloneFor is how long one person's declaration holds (T31: four eyes except the first 30 min).
const AloneFor = 30 * time.Minute

// Incident is an emergency, or a drill of one, in an area, a span of time and a set of matters. While it is in force, new
// cases that it covers run as P1 in mode EMERGENCY; open ones are attached by the engine.
type Incident struct {
	Head
	District    string       `json:"district"`
	ID          uuid.UUID    `json:"id"`
	Name        string       `json:"name"`
	Drill       bool         `json:"drill"`
	Areas       []string     `json:"areas"` // codes of streets, communities or grids; a code holds everything below it
	Ring        [][2]float64 `json:"ring"`  // WGS-84 [lon, lat]; besides the areas
	Units       []string     `json:"units"` // departments that are called up
	Matters     []string     `json:"matters"`
	FromAt      time.Time    `json:"from_at"`
	UntilAt     *time.Time   `json:"until_at"`
	DeclaredBy  uuid.UUID    `json:"declared_by"`
	DeclaredAt  time.Time    `json:"declared_at"`
	ConfirmBy   time.Time    `json:"confirm_by"`
	ConfirmedBy *uuid.UUID   `json:"confirmed_by"`
	ConfirmedAt *time.Time   `json:"confirmed_at"`
	EndedBy     *uuid.UUID   `json:"ended_by"`
	EndedAt     *time.Time   `json:"ended_at"`
	EndReason   string       `json:"end_reason"` // STOOD_DOWN, UNCONFIRMED, EXPIRED
	Note        string       `json:"note"`
	ToldSeq     int64        `json:"told_seq"`
	SweepAt     *time.Time   `json:"sweep_at"`
	SweepAfter  *uuid.UUID   `json:"sweep_after"`
	NextAt      *time.Time   `json:"next_at"`

	Names map[string]string `json:"names"` // account → display name of those who acted
}

// inForce: declared or confirmed, within its time; the declaration's own 30 minutes are kept by the clock of the incident,
// and here too, so that an engine that stands still prolongs nothing.
func (i *Incident) inForce(now time.Time) bool {
	switch {
	case i.State == IncidentEnded, now.Before(i.FromAt), i.UntilAt != nil && !now.Before(*i.UntilAt):
		return false
	}
	return i.State == IncidentConfirmed || now.Before(i.ConfirmBy)
}

// covers tells whether a case lies in the incident's area and is one of its matters.
func (i *Incident) covers(c *Case) bool {
	if c.Matter == "" || len(i.Matters) > 0 && !slices.ContainsFunc(i.Matters, func(m string) bool { return strings.HasPrefix(c.Matter, m) }) {
		return false
	}
	return slices.ContainsFunc(i.Areas, func(a string) bool { return strings.HasPrefix(c.GridCode, a) }) || inRing(i.Ring, c.Lon, c.Lat)
}

// inRing is the even-odd rule; a ring of fewer than three points holds nothing.
func inRing(ring [][2]float64, lon, lat float64) bool {
	in := false
	for i, j := 0, len(ring)-1; i < len(ring); j, i = i, i+1 {
		a, b := ring[i], ring[j]
		if (a[1] > lat) != (b[1] > lat) && lon < (b[0]-a[0])*(lat-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
	}
	return in
}

// incident gives the one in force that covers a case: the earliest declared of several. A case that is a drill already
// belongs to drills only.
func (w *World) incident(c *Case, now time.Time) *Incident {
	for k := range w.Incidents {
		if i := &w.Incidents[k]; i.inForce(now) && i.covers(c) && (i.Drill || !c.Drill) {
			return i
		}
	}
	return nil
}

// incidents reads what is not over, earliest first.
func (ws *Worlds) incidents(ctx context.Context, district string) ([]Incident, error) {
	rows, err := ws.db.Pool.Query(ctx, "select to_jsonb(i) from incident i where i.district = $1 and i.state <> 'ENDED' order by i.declared_at, i.id", district)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[Incident])
}

// Declaration is what a commander declares.
type Declaration struct {
	Name    string
	Drill   bool
	Units   []string // a unit with an area stands for it; one without is called up
	Areas   []string
	Ring    [][2]float64
	From    *time.Time
	Until   *time.Time
	Matters []string
}

// Declare is T31: it holds at once, alone for 30 minutes. A second one of the same name while the first is in force: 409
// INCIDENT_EXISTS, so that two commanders at once declare one.
func (k *Desk) Declare(ctx context.Context, a auth.Actor, in Declaration, once Once) (*Incident, error) {
	if !a.Has(auth.RoleCommander) {
		return nil, fault.Forbidden("NOT_YOURS", "只有指挥长可以启动应急")
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if answer, err := k.first(ctx, a, once); err != nil || answer != nil {
		return readIncident(answer, err)
	}
	now, err := k.now(ctx)
	if err != nil {
		return nil, err
	}
	i, err := w.declared(in, a, now)
	if err != nil {
		return nil, err
	}
	e := i.link(a.District, i.ID, a, standing{auth.RoleCommander, a.Unit()}, "declare", IncidentDeclared, now, data{"drill": i.Drill, "areas": i.Areas, "units": i.Units, "matters": i.Matters, "polygon": len(i.Ring) > 0,
		"from": i.FromAt.UTC().Format(factTime), "confirm_by": i.ConfirmBy.UTC().Format(factTime)})
	answer := encode(i)
	var n int
	err = k.db.Pool.QueryRow(ctx, declareSQL, append([]any{encode(data{"incident": i, "event": e}), a.District, i.ID}, once.args(a, answer)...)...).Scan(&n)
	switch constraint(err) {
	case "incident_one_name":
		if answer, err := k.first(ctx, a, once); err != nil || answer != nil {
			return readIncident(answer, err) // the same request was faster
		}
		return nil, fault.Conflict("INCIDENT_EXISTS", "同名应急事件“%s”正在进行，请先结束它或换一个名称", i.Name)
	case "idempotency_pkey":
		return readIncident(k.first(ctx, a, once))
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	return i, k.heeded(ctx)
}

// incidentSQL is an incident (alias i) with the names of those who acted.
const incidentSQL = `to_jsonb(i) || jsonb_build_object('names', (select coalesce(jsonb_object_agg(a.id, a.display_name), '{}') from account a where a.district = i.district and a.id in (i.declared_by, i.confirmed_by, i.ended_by)))`

const incidentColumns = "id, name, drill, state, version, areas, ring, units, matters, from_at, until_at, declared_by, declared_at, confirm_by, head_seq, head_hash, last_at, told_seq, sweep_at, next_at"

var declareSQL = `with p as (select $1::jsonb as j),
c as (insert into incident (district, ` + incidentColumns + `) select $2, ` + incidentColumns + ` from p, jsonb_populate_record(null::incident, p.j->'incident') n where n.id = $3 returning district, id),
e as (` + officeEventSQL + `), ik as (` + onceSQL + `) select count(*) from c`

// heeded loads the configuration that has just changed and wakes the engine.
func (k *Desk) heeded(ctx context.Context) error {
	k.poke()
	return pg.Fault(k.worlds.Load(context.WithoutCancel(ctx)))
}

func (k *Desk) now(ctx context.Context) (now time.Time, err error) {
	err = k.db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now)
	return now, pg.Fault(err)
}

func readIncident(raw json.RawMessage, err error) (*Incident, error) {
	if err != nil {
		return nil, err
	}
	var i Incident
	if err := json.Unmarshal(raw, &i); err != nil {
		return nil, err
	}
	return &i, nil
}

// maxRing bounds a drawn area.
const maxRing = 500

// declared checks a declaration and gives the row it becomes.
func (w *World) declared(in Declaration, a auth.Actor, now time.Time) (*Incident, error) {
	i := &Incident{District: w.District, ID: uuid.Must(uuid.NewV7()), Name: strings.TrimSpace(in.Name), Drill: in.Drill, Areas: slices.Clone(in.Areas), Ring: in.Ring, Units: []string{}, Matters: append([]string{}, in.Matters...),
		FromAt: now, UntilAt: in.Until, DeclaredBy: a.Account, Names: map[string]string{a.ID(): a.Name}, DeclaredAt: now, ConfirmBy: now.Add(AloneFor), NextAt: &now}
	if in.From != nil && in.From.After(now) {
		i.FromAt = *in.From
	}
	i.SweepAt = &i.FromAt
	if i.Name == "" {
		return nil, fault.Invalid("/name", "请填写应急事件名称")
	}
	if i.UntilAt != nil && !i.UntilAt.After(i.FromAt) {
		return nil, fault.Invalid("/until", "结束时间须晚于开始时间")
	}
	for _, code := range in.Units {
		if err := w.checkUnit("/units", code); err != nil {
			return nil, err
		}
		if u := w.Units[code]; u.AreaCode != "" && slices.Contains([]string{"STREET", "COMMUNITY", "DISTRICT_CENTER"}, u.Kind) {
			i.Areas = append(i.Areas, u.AreaCode)
		} else {
			i.Units = append(i.Units, code)
		}
	}
	for _, code := range i.Areas {
		if _, ok := w.Index.ByCode(code); !ok || !strings.HasPrefix(code, w.District) {
			return nil, fault.Invalid("/areas", "没有区域 %s", code)
		}
	}
	if len(in.Ring) > 0 && (len(in.Ring) < 3 || len(in.Ring) > maxRing) {
		return nil, fault.Invalid("/polygon", "多边形需要 3–%d 个点", maxRing)
	}
	if len(i.Areas) == 0 && len(i.Ring) == 0 {
		return nil, fault.Invalid("/areas", "请指定街道、社区、网格或画出范围")
	}
	slices.Sort(i.Areas)
	i.Areas = append([]string{}, slices.Compact(i.Areas)...)
	for n, m := range i.Matters {
		if !slices.ContainsFunc(w.Catalog.Matters(), func(item *rule.Item) bool { return strings.HasPrefix(item.Code, m) }) {
			return nil, fault.Invalid(fmt.Sprintf("/matters/%d", n), "责任清单中没有以 %s 开头的事项", m)
		}
	}
	return i, nil
}

// reach lists the area codes that an incident touches, the grids under its ring included: whom it concerns. A ring is
// sampled, since nobody's duty hangs on the last metre of it.
func (w *World) reach(i *Incident) []string {
	out := slices.Clone(i.Areas)
	if len(i.Ring) == 0 {
		return out
	}
	low, top := i.Ring[0], i.Ring[0]
	for _, p := range i.Ring {
		for n := range p {
			low[n], top[n] = min(low[n], p[n]), max(top[n], p[n])
		}
	}
	const steps = 24
	add := func(lon, lat float64) {
		if place, ok := w.Index.Locate(grid.Point{Lon: lon, Lat: lat}); ok && place.DistrictCode == w.District && !slices.Contains(out, place.GridCode) {
			out = append(out, place.GridCode)
		}
	}
	for _, p := range i.Ring {
		add(p[0], p[1])
	}
	for x := range steps {
		for y := range steps {
			lon, lat := low[0]+(top[0]-low[0])*(float64(x)+.5)/steps, low[1]+(top[1]-low[1])*(float64(y)+.5)/steps
			if inRing(i.Ring, lon, lat) {
				add(lon, lat)
			}
		}
	}
	return out
}

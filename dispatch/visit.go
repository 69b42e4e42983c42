package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// What a visit found. NOT_MET and NEEDS_HELP become a case of LivesAlone; MISSED is said by the engine when nobody came.
const (
	VisitMet       = "MET"
	VisitNotMet    = "NOT_MET"
	VisitNeedsHelp = "NEEDS_HELP"
	VisitMissed    = "MISSED"
)

const (
	// LivesAlone is the matter of the catalogue that a visit in vain becomes.
	LivesAlone = "25001"
	// visitGrace is how long after its due a visit may still be made before it is missed.
	visitGrace = 24 * time.Hour
)

// VisitPlan is a person who is looked in on (table visit_plan). Name, phone and address are sealed; Name… are open only where the
// reader visits that person.
type VisitPlan struct {
	ID          uuid.UUID  `json:"id"`
	Grid        string     `json:"grid"`
	Community   string     `json:"community"`
	Street      string     `json:"street"`
	Lon         float64    `json:"lon"`
	Lat         float64    `json:"lat"`
	NameEnc     Bytes      `json:"name_enc"`
	PhoneEnc    Bytes      `json:"phone_enc"`
	AddressEnc  Bytes      `json:"address_enc"`
	EveryDays   int        `json:"every_days"`
	DueAt       time.Time  `json:"due_at"`
	Active      bool       `json:"active"`
	LastOutcome string     `json:"last_outcome"`
	LastAt      *time.Time `json:"last_at"`
	Version     int        `json:"version"`

	Name, Phone, Address string `json:"-"` // as this reader may see them
}

// VisitNew is a person to be looked in on from First on, every so many days.
type VisitNew struct {
	Name, Phone, Address string
	Point                PointIn
	EveryDays            int
	First                *time.Time
}

// visitScope is whose plans an actor sees (alias v): a worker those of their grids, communities and streets their own, the centre all.
func visitScope(w *World, a auth.Actor, n int) (cond string, args []any) {
	if a.Has(auth.RoleDispatcher, auth.RoleSupervisor) {
		return "true", nil
	}
	var communities, streets []string
	for _, b := range a.Bindings {
		switch at := w.Units[b.Unit].AreaCode; {
		case at == "":
		case b.Role == auth.RoleCommunityOfficer:
			communities = append(communities, at)
		case slices.Contains([]auth.Role{auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary}, b.Role):
			streets = append(streets, at)
		}
	}
	return fmt.Sprintf("(v.grid = any($%d) or v.community = any($%d) or v.street = any($%d))", n, n+1, n+2), []any{a.Grids(), communities, streets}
}

func (k *Desk) visitWorld(a auth.Actor) (*World, error) {
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	return w, nil
}

// Visits lists plans of the actor's scope, the next due first; due: only those whose time has come.
func (k *Desk) Visits(ctx context.Context, a auth.Actor, due bool, limit int, cursor string) (page []VisitPlan, next string, err error) {
	if err := a.Need(auth.PermVisitRead, "您没有查看走访任务的权限"); err != nil {
		return nil, "", err
	}
	w, err := k.visitWorld(a)
	if err != nil {
		return nil, "", err
	}
	cond, args := visitScope(w, a, 6)
	var at, id *string
	if cursor != "" {
		x, y, err := readCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		after := y.String()
		at, id = &x, &after
	}
	if limit < 1 || limit > 200 {
		limit = 50
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select to_jsonb(v), v.due_at::text from visit_plan v where v.district = $1 and v.active and (not $2 or v.due_at <= yx_now())
		and ($3::text is null or (v.due_at, v.id) > ($3::timestamptz, $4::uuid)) and `+cond+` order by v.due_at, v.id limit $5`, append([]any{a.District, due, at, id, limit + 1}, args...)...)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	var v VisitPlan
	var dueText, last string
	_, err = pgx.ForEachRow(rows, []any{&v, &dueText}, func() error {
		if len(page) == limit {
			next = writeCursor(last, page[limit-1].ID)
			v = VisitPlan{}
			return nil
		}
		last = dueText
		page = append(page, k.opened(a, v))
		v = VisitPlan{}
		return nil
	})
	return page, next, pg.Fault(err)
}

// opened shows who visits the whole person, everybody else a masked one.
func (k *Desk) opened(a auth.Actor, v VisitPlan) VisitPlan {
	v.Name, _ = k.keys.Open(a.District, "name", v.NameEnc)
	v.Phone, _ = k.keys.Open(a.District, auth.FieldPhone, v.PhoneEnc)
	v.Address, _ = k.keys.Open(a.District, "visit.address", v.AddressEnc)
	if !a.Has(auth.RoleGridWorker, auth.RoleCommunityOfficer) {
		v.Name, v.Phone, v.Address = seal.MaskName(v.Name), seal.MaskPhone(v.Phone), ""
	}
	return v
}

// PlanVisits puts a person on the list. Whoever plans does so for their own community or street.
func (k *Desk) PlanVisits(ctx context.Context, a auth.Actor, in VisitNew) (*VisitPlan, error) {
	if err := a.Need(auth.PermVisitPlan, "只有社区和街道可以安排走访"); err != nil {
		return nil, err
	}
	w, err := k.visitWorld(a)
	if err != nil {
		return nil, err
	}
	in.Name, in.Address = legible(in.Name), legible(in.Address)
	phone, ok := auth.Phone(in.Phone)
	switch {
	case utf8.RuneCountInString(in.Name) < 1 || utf8.RuneCountInString(in.Name) > 40:
		return nil, fault.Invalid("/name", "请填写姓名，最多 40 字")
	case utf8.RuneCountInString(in.Address) < 3 || utf8.RuneCountInString(in.Address) > 120:
		return nil, fault.Invalid("/address", "请填写 3 到 120 字的住址")
	case in.Phone != "" && !ok:
		return nil, fault.Invalid("/phone", "请输入 11 位中国大陆手机号，或留空")
	case in.EveryDays < 1 || in.EveryDays > 90:
		return nil, fault.Invalid("/every_days", "走访间隔应为 1 到 90 天")
	}
	p, err := in.Point.WGS84()
	if err != nil {
		return nil, err
	}
	place, ok := w.Index.Locate(p)
	if !ok || place.DistrictCode != a.District {
		return nil, outOfArea(w, p)
	}
	if !plansFor(w, a, place) {
		return nil, fault.Invalid("/point", "该位置不在您所在的社区或街道")
	}
	v := VisitPlan{ID: uuid.Must(uuid.NewV7()), Grid: place.GridCode, Community: place.CommunityCode, Street: place.StreetCode, Lon: p.Lon, Lat: p.Lat, EveryDays: in.EveryDays, DueAt: a.Now.AddDate(0, 0, in.EveryDays), Active: true, Version: 1}
	if in.First != nil {
		if in.First.Before(a.Now.Add(-visitGrace)) || in.First.After(a.Now.AddDate(0, 0, 366)) {
			return nil, fault.Invalid("/first_at", "第一次走访应在今天到一年之内")
		}
		v.DueAt = *in.First
	}
	if v.NameEnc, err = k.keys.Seal(a.District, "name", in.Name); err != nil {
		return nil, err
	}
	if v.AddressEnc, err = k.keys.Seal(a.District, "visit.address", in.Address); err != nil {
		return nil, err
	}
	if in.Phone != "" {
		if v.PhoneEnc, err = k.keys.Seal(a.District, auth.FieldPhone, phone); err != nil {
			return nil, err
		}
	}
	_, err = k.db.Pool.Exec(pg.WithDistrict(ctx, a.District), `insert into visit_plan (district, id, grid, community, street, lon, lat, name_enc, phone_enc, address_enc, every_days, due_at, next_at, made_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, a.District, v.ID, v.Grid, v.Community, v.Street, v.Lon, v.Lat, []byte(v.NameEnc), []byte(v.PhoneEnc), []byte(v.AddressEnc), v.EveryDays, v.DueAt, v.DueAt.Add(visitGrace), a.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	v = k.opened(a, v)
	return &v, nil
}

func plansFor(w *World, a auth.Actor, place grid.Place) bool {
	for _, b := range a.Bindings {
		at := w.Units[b.Unit].AreaCode
		if at != "" && (at == place.CommunityCode && b.Role == auth.RoleCommunityOfficer || at == place.StreetCode && b.Role != auth.RoleGridWorker) {
			return true
		}
	}
	return false
}

// EndVisits takes a person off the list; the visits made stay.
func (k *Desk) EndVisits(ctx context.Context, a auth.Actor, id uuid.UUID, version int) error {
	if err := a.Need(auth.PermVisitPlan, "只有社区和街道可以结束走访"); err != nil {
		return err
	}
	v, err := k.visitPlan(ctx, a, id)
	if err != nil {
		return err
	}
	tag, err := k.db.Pool.Exec(pg.WithDistrict(ctx, a.District), "update visit_plan set active = false, next_at = null, version = version + 1 where district = $1 and id = $2 and version = $3 and active", a.District, id, version)
	if err == nil && tag.RowsAffected() == 0 {
		return Stale(v.Version)
	}
	return pg.Fault(err)
}

// visitPlan is a plan in the actor's scope, else NOT_FOUND.
func (k *Desk) visitPlan(ctx context.Context, a auth.Actor, id uuid.UUID) (*VisitPlan, error) {
	w, err := k.visitWorld(a)
	if err != nil {
		return nil, err
	}
	cond, args := visitScope(w, a, 3)
	var v VisitPlan
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), "select to_jsonb(v) from visit_plan v where v.district = $1 and v.id = $2 and "+cond, append([]any{a.District, id}, args...)...).Scan(&v)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	return &v, pg.Fault(err)
}

// VisitDone is one visit as it was made.
type VisitDone struct {
	Outcome, Note string
	Version       int // of the plan, as the visitor saw it
}

const visitSQL = `with p as (update visit_plan set due_at = $4, next_at = $5, last_outcome = $6, last_at = yx_now(), version = version + 1 where district = $1 and id = $2 and version = $3 and active returning id)
insert into visit (district, id, plan_id, due_at, outcome, at, done_by, note_enc) select $1, $7, p.id, $8, $6, yx_now(), $9, $10 from p returning id`

// Visited notes a visit and plans the next one. Who was not met or needs help becomes a case at once; of two who note the same visit one
// gets STALE. The retry of a visit whose case was not made yet makes it: the visit's id is the case's key.
func (k *Desk) Visited(ctx context.Context, a auth.Actor, id uuid.UUID, in VisitDone) (*VisitPlan, *Receipt, error) {
	if err := a.Need(auth.PermVisitAct, "只有网格员和社区可以登记走访"); err != nil {
		return nil, nil, err
	}
	v, err := k.visitPlan(ctx, a, id)
	if err != nil {
		return nil, nil, err
	}
	in.Note = legible(in.Note)
	switch {
	case !slices.Contains([]string{VisitMet, VisitNotMet, VisitNeedsHelp}, in.Outcome):
		return nil, nil, fault.Invalid("/outcome", "走访结果应为 MET、NOT_MET 或 NEEDS_HELP")
	case in.Outcome == VisitNeedsHelp && utf8.RuneCountInString(in.Note) < 5:
		return nil, nil, fault.Invalid("/note", "请用至少 5 个字说明需要什么帮助")
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var note []byte
	if in.Note != "" {
		if note, err = k.keys.Seal(a.District, "visit.note", in.Note); err != nil {
			return nil, nil, err
		}
	}
	due := a.Now.AddDate(0, 0, v.EveryDays)
	made := uuid.Must(uuid.NewV7())
	err = k.db.Pool.QueryRow(ctx, visitSQL, a.District, id, in.Version, due, due.Add(visitGrace), in.Outcome, made, v.DueAt, a.Account, note).Scan(&made)
	if errors.Is(err, pgx.ErrNoRows) {
		err = k.db.Pool.QueryRow(ctx, "select x.id from visit x where x.district = $1 and x.plan_id = $2 and x.done_by = $3 and x.outcome = $4 and x.outcome <> 'MET' and x.case_id is null order by x.at desc limit 1", a.District, id, a.Account, in.Outcome).Scan(&made)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil, Stale(v.Version)
		}
	}
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	receipt, err := k.visitCase(ctx, a, v, made, in)
	if err != nil {
		return nil, nil, err
	}
	if v, err = k.visitPlan(ctx, a, id); err != nil {
		return nil, nil, err
	}
	shown := k.opened(a, *v)
	return &shown, receipt, nil
}

// visitCase hands a visit in vain to the one door. Neither name nor address stand in the words of the case.
func (k *Desk) visitCase(ctx context.Context, a auth.Actor, v *VisitPlan, made uuid.UUID, in VisitDone) (*Receipt, error) {
	if in.Outcome == VisitMet {
		return nil, nil
	}
	words := "走访独居老人未见到本人，请核实是否平安。"
	if in.Outcome == VisitNeedsHelp {
		words = "走访独居老人，需要帮助。"
	}
	receipt, _, err := k.Submit(ctx, a, &Submission{Text: strings.TrimSpace(words + in.Note), Matter: LivesAlone, Point: PointIn{Lon: v.Lon, Lat: v.Lat, Datum: string(grid.WGS84)}, NoContact: true, Key: "visit:" + made.String()})
	if err != nil {
		return nil, err
	}
	_, err = k.db.Pool.Exec(ctx, "update visit set case_id = $3 where district = $1 and id = $2", a.District, made, receipt.CaseID)
	return receipt, pg.Fault(err)
}

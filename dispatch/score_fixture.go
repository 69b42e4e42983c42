package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// FixtureID names a row of a fixture of facts ("a3") as the id it gets in the database.
func FixtureID(district, row string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("yixian:fixture:"+district+":"+row))
}

// LoadFacts writes a fixture of facts into a district of the sandbox as what the cases themselves would have recorded:
// each row is a case (its number is the row's name) with its assignment, call target or rating, charged to a unit, and a
// chain that verifies. proposer and approver stand under the exclusions that the file marks.
func (k *Desk) LoadFacts(ctx context.Context, district, unit, street string, at grid.Point, f *score.Fixture, proposer, approver uuid.UUID) error {
	w := k.worlds.Get(district)
	place, ok := w.Index.Locate(at)
	if !ok {
		return fault.Invalid("/point", "示例数据的位置不在网格内")
	}
	l := factLoader{w: w, unit: unit, street: street, at: at, place: place, p: f.Period, proposer: proposer, approver: approver}
	return pg.Fault(pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		l.tx = tx
		for i := range f.Facts {
			if err := l.load(ctx, &f.Facts[i]); err != nil {
				return fmt.Errorf("row %s: %w", f.Facts[i].ID, err)
			}
		}
		if err := l.deductions(ctx, f.Deductions); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into rollup_case (district, case_id, next_at) select district, id, '-infinity' from cases where district = $1 on conflict do nothing", district)
		return err // its rows came past the door: the engine counts them
	}))
}

type factLoader struct {
	w                  *World
	tx                 pgx.Tx
	unit, street       string
	at                 grid.Point
	place              grid.Place
	p                  score.Period
	proposer, approver uuid.UUID
}

// newCase writes a case of the fixture with one event; closed makes it a closed one.
func (l *factLoader) newCase(ctx context.Context, row string, state State, closed *time.Time, events ...Action) (uuid.UUID, error) {
	id := FixtureID(l.w.District, "case:"+row)
	created := l.p.Start.AddDate(0, -1, 0)
	start := seal.ChainStart(l.w.District, id.String())
	c := Case{District: l.w.District, ID: id, State: None, HeadHash: start[:], LastAt: created, Matter: "06001", Kind: "matter", GridCode: l.place.GridCode, GridVersion: l.place.GridVersion,
		CommunityCode: l.place.CommunityCode, StreetCode: l.place.StreetCode, LandUse: l.place.LandUse, Lon: l.at.Lon, Lat: l.at.Lat, Datum: "WGS84", Cell: grid.Cell(l.at), Priority: P3, Mode: "NORMAL", Source: "STAFF",
		Sensitivity: "NORMAL", CheckMode: "ALL", OwnerUnit: l.street, LeadUnit: l.unit, Round: 1, CreatedAt: created, UpdatedAt: created, CaseNo: new("F-" + row)}
	if closed != nil {
		c.ClosedAt, c.ResolvedAt, c.Outcome = closed, closed, new("RESOLVED")
	}
	d := newDraft(l.w, &Snapshot{Case: c}, created, []byte(row))
	d.was = Case{} // its facts tell the whole row
	for i, act := range append([]Action{ActSubmit}, events...) {
		if i > 0 {
			d.now = l.p.Start // what was judged, was judged in the period
		}
		d.event(auth.SystemActor(l.w.District, d.now), standing{Role: auth.RoleSystem}, act, state, data{"fixture": row}, nil)
	}
	out := d.finish()
	if err := l.insert(ctx, "cases", out.Case); err != nil {
		return id, err
	}
	stamp(out)
	for _, e := range out.Events {
		if err := l.insert(ctx, "case_event", struct {
			Event
			District string    `json:"district"`
			CaseID   uuid.UUID `json:"case_id"`
		}{e, l.w.District, id}); err != nil {
			return id, err
		}
	}
	return id, l.insert(ctx, "case_party", map[string]any{"district": l.w.District, "unit": l.unit, "case_id": id, "open": closed == nil})
}

// insert writes one row from its JSON; columns that it does not name keep their defaults.
func (l *factLoader) insert(ctx context.Context, table string, row any) error {
	raw, err := json.Marshal(row)
	if err != nil {
		return err
	}
	var there bool // ratings by streets and cards come with the lifecycle's last actions
	if err := l.tx.QueryRow(ctx, "select to_regclass($1) is not null", table).Scan(&there); err != nil || !there {
		return err
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(raw, &names); err != nil {
		return err
	}
	cols := make([]string, 0, len(names))
	for name := range names {
		cols = append(cols, pgx.Identifier{name}.Sanitize())
	}
	slices.Sort(cols)
	list := strings.Join(cols, ", ")
	_, err = l.tx.Exec(ctx, fmt.Sprintf("insert into %s (%s) select %s from jsonb_populate_record(null::%s, $1)", table, list, list, table), raw)
	return err
}

func (l *factLoader) load(ctx context.Context, f *score.Fact) error {
	d := l.w.District
	id := FixtureID(d, f.ID)
	switch f.Kind {
	case score.KindAssignment:
		state, own := Handling, "SIGNED"
		if f.Done != nil {
			state, own = Resolved, "RESOLVED"
		}
		c, err := l.newCase(ctx, f.ID, state, nil)
		if err != nil {
			return err
		}
		if err := l.insert(ctx, "assignment", map[string]any{"district": d, "id": id, "case_id": c, "unit": l.unit, "kind": f.Role, "round": 1, "state": own, "received_at": l.p.Start.AddDate(0, -1, 0),
			"resolved_at": f.Done, "due_at": f.Due, "rework_count": len(f.Again)}); err != nil {
			return err
		}
		for i, at := range f.Again {
			if err := l.insert(ctx, "case_check", map[string]any{"district": d, "id": FixtureID(d, fmt.Sprint(f.ID, "/", i)), "case_id": c, "round": 1, "kind": "CHECK", "verdict": "FAIL", "at": at}); err != nil {
				return err
			}
		}
		return l.exclude(ctx, f, c, id)
	case score.KindTarget:
		c, err := l.newCase(ctx, f.ID, Handling, nil)
		if err != nil {
			return err
		}
		call := FixtureID(d, "call:"+f.ID)
		state := "ONSITE"
		if f.Excluded != "" {
			state = "WITHDRAWN"
		}
		if err := l.insert(ctx, "call", map[string]any{"district": d, "id": call, "case_id": c, "round": 1, "level": "L2", "reason": "JOINT", "caller_unit": l.street, "state": state, "called_at": l.p.Start.AddDate(0, 0, -1),
			"lon": l.at.Lon, "lat": l.at.Lat}); err != nil {
			return err
		}
		return l.insert(ctx, "call_target", map[string]any{"district": d, "id": id, "call_id": call, "case_id": c, "unit": l.unit, "is_lead": true, "ack_due": f.Due, "checkin_due": f.Due, "checked_in_at": f.Done, "withdrawn": f.Excluded != ""})
	case score.KindRating:
		c, err := l.newCase(ctx, f.ID, Closed, f.At)
		if err != nil {
			return err
		}
		grade := f.Grade
		if !f.Valid {
			grade = 1 // nobody was reached: the table wants a grade, the figures do not see it
		}
		if err := l.insert(ctx, "rating", map[string]any{"district": d, "id": id, "case_id": c, "report_id": FixtureID(d, "report:"+f.ID), "round": 1, "resolved": f.Yes, "grade": grade, "channel": "WEB", "rated_at": f.At,
			"valid": f.Valid, "unit": l.unit}); err != nil {
			return err
		}
		return l.exclude(ctx, f, c, id)
	case score.KindCaller:
		c, err := l.newCase(ctx, f.ID, Closed, &l.p.Start)
		if err != nil {
			return err
		}
		return l.insert(ctx, "unit_rating", map[string]any{"district": d, "id": id, "case_id": c, "round": 1, "unit": l.unit, "street": l.street, "rated_by": l.proposer, "grade": f.Grade, "rated_at": f.At})
	}
	return fmt.Errorf("a fixture has no rows of kind %s", f.Kind)
}

// exclude writes the two people's decision that the file only marks.
func (l *factLoader) exclude(ctx context.Context, f *score.Fact, c, subject uuid.UUID) error {
	if f.Excluded == "" {
		return nil
	}
	return l.insert(ctx, "exclusion", map[string]any{"district": l.w.District, "id": FixtureID(l.w.District, "exclusion:"+f.ID), "case_id": c, "subject": subject, "reason": f.Excluded, "scope": "ALL", "text": "示例数据中已剔除",
		"state": "APPROVED", "proposed_by": l.proposer, "proposed_at": l.p.Start, "decided_by": l.approver, "decided_at": l.p.Start})
}

func (l *factLoader) deductions(ctx context.Context, f score.Deductions) error {
	for i := range f.Unfounded {
		row := fmt.Sprintf("u%d", i+1)
		c, err := l.newCase(ctx, row, Handling, nil, ActArbitrate)
		if err != nil {
			return err
		}
		if err := l.insert(ctx, "case_return", map[string]any{"district": l.w.District, "id": FixtureID(l.w.District, row), "case_id": c, "assignment_id": FixtureID(l.w.District, "assignment:"+row), "unit": l.unit, "suggested_unit": l.street,
			"legal_basis": "示例", "reason": "示例", "verdict": "UNFOUNDED", "at": l.p.Start.AddDate(0, 0, -1)}); err != nil {
			return err
		}
	}
	for i := range f.Yellow + f.Red {
		color := "YELLOW"
		if i >= f.Yellow {
			color = "RED"
		}
		id := FixtureID(l.w.District, fmt.Sprintf("k%d", i+1))
		var h Head
		e := h.link(l.w.District, id, auth.SystemActor(l.w.District, l.p.Start), standing{Role: auth.RoleSystem}, "confirm", CardConfirmed, l.p.Start, data{"fixture": id})
		if err := l.insert(ctx, "card", map[string]any{"district": l.w.District, "id": id, "unit": l.unit, "color": color, "kind": "LATE_CHECKINS", "cause": "fixture:" + id.String(), "state": h.State, "version": h.Version,
			"created_at": l.p.Start, "decide_by": l.p.Start, "decided_by": l.proposer, "decided_at": l.p.Start, "head_seq": h.HeadSeq, "head_hash": h.HeadHash, "last_at": h.LastAt}); err != nil {
			return err
		}
		if err := l.insert(ctx, "office_event", struct {
			OfficeEvent
			District string `json:"district"`
		}{e, l.w.District}); err != nil {
			return err
		}
	}
	return nil
}

package life

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"yixian/dispatch"
	"yixian/internal/auth"
)

// thread is what happens to one case after its report: at any time one step of it stands in the agenda.
type thread struct {
	*Life
	draw     *rand.Rand
	topic    *topic
	id       uuid.UUID
	reportID uuid.UUID
	reporter auth.Actor // zero when the reporter has no account
	master   *uuid.UUID // a case that it looks like
	asked    map[string]bool
	refused  int // in a row
}

// step is what somebody means to do. The zero action is a look at the case later on.
type step struct {
	who    auth.Actor
	act    dispatch.Action
	body   map[string]any
	photos int
	voice  bool // as the reporter
	after  time.Duration
	office bool // the time passes in working hours only
}

type body = map[string]any

// once says, the first time that it is asked about something, whether it happens; never again.
func (t *thread) once(what string, percent int) bool {
	if t.asked[what] {
		return false
	}
	t.asked[what] = true
	return t.draw.IntN(100) < percent
}

// between draws a span.
func (t *thread) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.draw.Int64N(int64(to-from)+1))
}

// spans in which people act.
const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// look reads the case as it stands now and plans its next step.
func (t *thread) look(ctx context.Context, now time.Time) error {
	o, err := t.Desk.View(ctx, auth.SystemActor(t.Code, now), t.id)
	if err != nil {
		return err
	}
	t.next(o.Snapshot, now)
	return nil
}

// next plans the step that follows, unless the case is over.
func (t *thread) next(s *dispatch.Snapshot, now time.Time) {
	st := t.plan(s, now)
	if st == nil {
		return
	}
	if st.after > 0 && st.act != "" && isZero(st.who) { // nobody there who could: look again
		st = &step{after: day}
	}
	at := now.Add(max(st.after, time.Second))
	if st.office {
		at = t.cal.AddSeconds(now, int64(max(st.after, time.Second)/time.Second), true)
	}
	version := s.Case.Version
	t.at(at, func(ctx context.Context, now time.Time) error { return t.carry(ctx, now, st, version) })
}

// carry does what was meant when the case was as it is still; else somebody else was first and it is thought over.
func (t *thread) carry(ctx context.Context, now time.Time, st *step, version int) error {
	if st.act == "" {
		return t.look(ctx, now)
	}
	who := as(st.who, now)
	b := body{"version": version}
	for k, v := range st.body {
		if later, ok := v.(at); ok {
			v = now.Add(time.Duration(later))
		}
		b[k] = v
	}
	if st.photos > 0 {
		ids, err := t.photos(ctx, who, st.photos)
		if err != nil {
			return err
		}
		b["media_ids"] = ids
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	cmd, err := dispatch.ParseCommand(st.act, raw)
	if err != nil {
		return err
	}
	var out *dispatch.Outcome
	if st.voice {
		out, err = t.Desk.DoAsReporter(ctx, who, t.id, t.reportID, cmd, nil)
	} else {
		out, err = t.Desk.Do(ctx, who, t.id, cmd, nil)
	}
	ok, err := t.done(string(st.act), err)
	switch {
	case err != nil:
		return err
	case ok:
		t.refused = 0
		t.next(out.Snapshot, now)
		return nil
	}
	if t.refused++; t.refused%3 == 0 { // it leads to nothing today
		t.at(now.Add(day), t.look)
		return nil
	}
	return t.look(ctx, now)
}

// photos uploads some of the actor's own.
func (t *thread) photos(ctx context.Context, a auth.Actor, n int) ([]string, error) {
	var out []string
	for range n {
		id, err := t.Photo(ctx, a, t.draw.Uint64())
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// here is a point at some metres from the case.
func (t *thread) here(lon, lat float64) body {
	return body{"lon": lon + (t.draw.Float64()-0.5)/5000, "lat": lat + (t.draw.Float64()-0.5)/5000, "datum": "WGS84", "accuracy_m": 5 + t.draw.IntN(20)}
}

// plan says whose turn it is; nil when nothing more will be done by people.
func (t *thread) plan(s *dispatch.Snapshot, now time.Time) *step {
	if st := t.decision(s); st != nil {
		return st
	}
	switch c := &s.Case; c.State {
	case dispatch.Submitted:
		return t.submitted(s)
	case dispatch.Verifying:
		return &step{who: one(t.draw, t.people.walking(c.GridCode)), act: dispatch.ActVerify, photos: 1, after: t.between(5*minute, 90*minute), office: c.Priority > dispatch.P2,
			body: body{"verdict": []string{"TRUE", "TRUE", "TRUE", "TRUE", "FALSE", "GONE"}[t.draw.IntN(6)], "point": t.here(c.Lon, c.Lat)}}
	case dispatch.Rejected:
		if !c.Appealed && !isZero(t.reporter) && t.once("appeal", 35) {
			return &step{who: t.reporter, voice: true, act: dispatch.ActAppeal, body: body{"reason": "情况属实，请再核查一次"}, after: t.between(hour, 3*day)}
		}
		return nil
	case dispatch.Filed:
		return t.filed(s)
	case dispatch.Dispatched:
		return t.dispatched(s)
	case dispatch.Handling:
		return t.handling(s, now)
	case dispatch.Calling:
		return t.calling(s)
	case dispatch.Onsite:
		return t.onsite(s, now)
	case dispatch.Disputed:
		return t.disputed(s)
	case dispatch.Suspended:
		if t.once("resume early", 35) {
			return &step{who: t.officer(c.LeadUnit), act: dispatch.ActResume, after: t.between(3*hour, 9*hour), office: true}
		}
		return &step{after: 12 * hour}
	case dispatch.Resolved:
		return t.resolved(s)
	case dispatch.Closed:
		return t.closed(s, now)
	}
	return nil
}

// officer is somebody of a unit.
func (t *thread) officer(unit string) auth.Actor { return one(t.draw, t.people.of(unit, officials...)) }

// urgent cases are worked on at any hour.
func urgent(s *dispatch.Snapshot) bool {
	return s.Case.Priority <= dispatch.P2 || s.Case.Mode != "NORMAL"
}

package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// States of a card.
const (
	CardCandidate = "CANDIDATE"
	CardConfirmed = "CONFIRMED"
	CardWaived    = "WAIVED"
)

// Card is a yellow or red card of a unit. The program only proposes it; a supervisor confirms or waives it, the unit may
// object once and is answered. cause names what happened, so that nothing is punished twice.
type Card struct {
	Head
	District   string     `json:"district"`
	ID         uuid.UUID  `json:"id"`
	Unit       string     `json:"unit"`
	Color      string     `json:"color"`
	Kind       string     `json:"kind"`
	Cause      string     `json:"cause"`
	CaseID     *uuid.UUID `json:"case_id"`
	Count      int        `json:"count"` // late check-ins, unfounded returns or yellow cards that made it
	Reason     string     `json:"reason"`
	CreatedAt  time.Time  `json:"created_at"`
	RaisedBy   *uuid.UUID `json:"raised_by"`
	DecideBy   time.Time  `json:"decide_by"`
	DecidedBy  *uuid.UUID `json:"decided_by"`
	DecidedAt  *time.Time `json:"decided_at"`
	Decision   string     `json:"decision"`
	ObjectedBy *uuid.UUID `json:"objected_by"`
	ObjectedAt *time.Time `json:"objected_at"`
	Objection  string     `json:"objection"`
	AnsweredBy *uuid.UUID `json:"answered_by"`
	AnsweredAt *time.Time `json:"answered_at"`
	Answer     string     `json:"answer"`
	Upheld     *bool      `json:"upheld"`
	Rung       int        `json:"rung"`
	NextAt     *time.Time `json:"next_at"`

	DeciderName string `json:"decider_name"`
}

// Kinds of cards and their colour (domain 4b).
var cardColor = map[string]string{
	"HANDLE_150": "YELLOW", "LATE_CHECKINS": "YELLOW", "UNFOUNDED_RETURNS": "YELLOW",
	"NO_CHECKIN": "RED", "FALSE_RESULT": "RED", "PRIVACY_BREACH": "RED", "THREE_YELLOWS": "RED",
}

// decideWithin is a supervisor's time for a candidate; the last working day of it begins with a reminder.
var (
	decideWithin = worktime.Budget{N: 3, Unit: worktime.WD}
	remindAfter  = worktime.Budget{N: 2, Unit: worktime.WD}
)

// propose makes a candidate; by is who raised it, the program for all but a breach of privacy.
func (w *World) propose(kind, unit, cause, reason string, caseID *uuid.UUID, count int, by auth.Actor, now time.Time) (*Card, OfficeEvent) {
	remind := w.Calendar.Add(now, remindAfter)
	c := &Card{District: w.District, ID: uuid.Must(uuid.NewV7()), Unit: unit, Color: cardColor[kind], Kind: kind, Cause: cause, CaseID: caseID, Count: count, Reason: reason,
		CreatedAt: now, RaisedBy: accountOf(by), DecideBy: w.Calendar.Add(now, decideWithin), NextAt: &remind}
	as := standing{Role: auth.RoleSystem}
	if by.Kind != auth.System {
		as = standing{auth.RoleSupervisor, by.Unit()}
	}
	return c, c.link(w.District, c.ID, by, as, "propose", CardCandidate, now, data{"kind": kind, "color": c.Color, "unit": unit, "cause": cause, "case": caseID, "count": count})
}

// cardSQL is a card (alias c) with the name of who decided it.
const cardSQL = `to_jsonb(c) || jsonb_build_object('decider_name', (select a.display_name from account a where a.district = c.district and a.id = c.decided_by))`

const cardColumns = "id, unit, color, kind, cause, case_id, count, reason, state, version, created_at, raised_by, decide_by, head_seq, head_hash, last_at, rung, next_at"

// proposeSQL writes a candidate and its event, unless its cause has one already: then it counts 0.
var proposeSQL = `with p as (select $1::jsonb as j),
c as (insert into card (district, ` + cardColumns + `) select $2, ` + cardColumns + ` from p, jsonb_populate_record(null::card, p.j->'card') n where n.id = $3 on conflict (district, cause) do nothing returning district, id),
e as (` + officeEventSQL + `), ik as (` + onceSQL + `) select count(*) from c`

func putCard(ctx context.Context, q querier, a auth.Actor, c *Card, e *OfficeEvent, once Once) (bool, error) {
	var n int
	err := q.QueryRow(ctx, proposeSQL, append([]any{encode(data{"card": c, "event": e}), c.District, c.ID}, once.args(a, encode(c))...)...).Scan(&n)
	return n == 1, err
}

// RaiseBreach is a red card candidate that a supervisor raises for a breach of privacy: no clock sees one.
func (k *Desk) RaiseBreach(ctx context.Context, a auth.Actor, unit, reason string, caseID *uuid.UUID, once Once) (*Card, error) {
	if !a.Has(auth.RoleSupervisor) {
		return nil, fault.Forbidden("NOT_YOURS", "只有督查员可以提出红牌")
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	if err := w.checkUnit("/unit", unit); err != nil {
		return nil, err
	}
	if strings.TrimSpace(reason) == "" {
		return nil, fault.Invalid("/reason", "请写明事由")
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if answer, err := k.first(ctx, a, once); err != nil || answer != nil {
		return readCard(answer, err)
	}
	if caseID != nil {
		if _, err := k.load(ctx, a, loadKey{Case: *caseID}, nil); err != nil {
			return nil, err
		}
	}
	now, err := k.now(ctx)
	if err != nil {
		return nil, err
	}
	cause := "privacy:" + uuid.NewString()
	if caseID != nil {
		cause = "privacy:" + unit + ":" + caseID.String()
	}
	c, e := w.propose("PRIVACY_BREACH", unit, cause, reason, caseID, 0, a, now)
	soon := now // the engine tells it
	c.NextAt = &soon
	fresh, err := putCard(ctx, k.db.Pool, a, c, &e, once)
	if constraint(err) == "idempotency_pkey" {
		return readCard(k.first(ctx, a, once))
	}
	switch {
	case err != nil:
		return nil, pg.Fault(err)
	case !fresh:
		return nil, fault.Conflict("CARD_EXISTS", "该单位在此案件上已有隐私泄露红牌")
	}
	k.poke()
	return c, nil
}

func readCard(raw json.RawMessage, err error) (*Card, error) {
	if err != nil {
		return nil, err
	}
	var c Card
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	return &c, nil
}

// CardAct is what is done to a card: confirm, waive (reason), object (text, by the unit's leader, once), answer (text, upheld).
type CardAct struct {
	Verb   string
	Reason string
	Upheld *bool
}

// objectors speak for their unit against a card.
var objectors = []auth.Role{auth.RoleDeptLeader, auth.RoleStreetLeader, auth.RoleStreetSecretary}

// apply judges an act and changes the card, or says why not.
func (c *Card) apply(a auth.Actor, in CardAct, now time.Time) (*OfficeEvent, error) {
	as := standing{auth.RoleSupervisor, a.Unit()}
	text := strings.TrimSpace(in.Reason)
	if in.Verb == "object" {
		as = standing{a.In(c.Unit, objectors...), c.Unit}
		if as.Role == "" {
			return nil, fault.Forbidden("NOT_YOURS", "只有被发牌单位的负责人可以申辩")
		}
	} else if !a.Has(auth.RoleSupervisor) {
		return nil, fault.Forbidden("NOT_YOURS", "只有督查员可以处理黄牌、红牌")
	}
	if text == "" && in.Verb != "confirm" {
		return nil, fault.Invalid("/reason", "请写明理由")
	}
	wrong := fault.Conflict("WRONG_STATE", "该牌已处理").With("state", c.State)
	to := c.State
	facts := data{}
	switch in.Verb {
	case "confirm", "waive":
		if c.State != CardCandidate {
			return nil, wrong
		}
		if to = CardConfirmed; in.Verb == "waive" {
			to = CardWaived
		}
		c.DecidedBy, c.DeciderName, c.DecidedAt, c.Decision, c.NextAt = accountOf(a), a.Name, &now, text, nil
	case "object":
		switch {
		case c.ObjectedAt != nil:
			return nil, fault.Conflict("ALREADY_OBJECTED", "每张牌只能申辩一次")
		case c.State == CardWaived:
			return nil, wrong
		}
		c.ObjectedBy, c.ObjectedAt, c.Objection = accountOf(a), &now, text
	case "answer":
		switch {
		case c.ObjectedAt == nil || c.AnsweredAt != nil:
			return nil, fault.Conflict("NO_OBJECTION", "没有待答复的申辩")
		case in.Upheld == nil:
			return nil, fault.Invalid("/upheld", "请说明申辩是否成立")
		}
		c.AnsweredBy, c.AnsweredAt, c.Answer, c.Upheld = accountOf(a), &now, text, in.Upheld
		if facts["upheld"] = *in.Upheld; *in.Upheld {
			to = CardWaived
			if c.DecidedAt == nil {
				c.DecidedBy, c.DeciderName, c.DecidedAt, c.NextAt = accountOf(a), a.Name, &now, nil
			}
		}
	default:
		return nil, fault.NotFound()
	}
	e := c.link(c.District, c.ID, a, as, in.Verb, to, now, facts)
	return &e, nil
}

var cardActSQL = `with p as (select $1::jsonb as j),
c as (update card t set state = n.state, version = n.version, decided_by = n.decided_by, decided_at = n.decided_at, decision = n.decision, objected_by = n.objected_by, objected_at = n.objected_at, objection = n.objection,
    answered_by = n.answered_by, answered_at = n.answered_at, answer = n.answer, upheld = n.upheld, head_seq = n.head_seq, head_hash = n.head_hash, last_at = n.last_at, next_at = yx_now()
  from p, jsonb_populate_record(null::card, p.j->'card') n where t.district = $2 and t.id = $3 and t.head_seq = $8 returning t.district, t.id),
e as (` + officeEventSQL + `), ik as (` + onceSQL + `) select count(*) from c`

// ActOnCard confirms, waives, objects or answers. Cards of a district are decided one after another, so that every third
// yellow card of a quarter makes exactly one red candidate however many supervisors confirm at once.
func (k *Desk) ActOnCard(ctx context.Context, a auth.Actor, id uuid.UUID, in CardAct, once Once) (*Card, error) {
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var out *Card
	err := pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('card:' || $1, 0))", a.District); err != nil {
			return err
		}
		if answer, err := first(ctx, tx, a, once); err != nil || answer != nil {
			out, err = readCard(answer, err)
			return err
		}
		cond, args := cardScope(a, 3)
		var c Card
		var now time.Time
		err := tx.QueryRow(ctx, "select "+cardSQL+", yx_now() from card c where c.district = $1 and c.id = $2 and "+cond, append([]any{a.District, id}, args...)...).Scan(&c, &now)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.NotFound()
		}
		if err != nil {
			return err
		}
		head := c.HeadSeq
		e, err := c.apply(a, in, now)
		if err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(ctx, cardActSQL, append(append([]any{encode(data{"card": &c, "event": e}), a.District, id}, once.args(a, encode(&c))...), head)...).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return fault.Conflict("STALE", "该牌已被他人处理，请刷新后再试")
		}
		out = &c
		if in.Verb == "confirm" && c.Color == "YELLOW" {
			return w.thirdYellow(ctx, tx, &c, now)
		}
		return nil
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	k.poke()
	return out, nil
}

// thirdYellow proposes the red card that every third confirmed yellow of a unit in a quarter makes.
func (w *World) thirdYellow(ctx context.Context, tx pgx.Tx, c *Card, now time.Time) error {
	from, to, name := w.quarter(c.CreatedAt)
	var n int
	if err := tx.QueryRow(ctx, "select count(*) from card where district = $1 and unit = $2 and color = 'YELLOW' and state = 'CONFIRMED' and created_at >= $3 and created_at < $4", c.District, c.Unit, from, to).Scan(&n); err != nil {
		return err
	}
	if n%3 != 0 {
		return nil
	}
	system := auth.SystemActor(c.District, now)
	red, e := w.propose("THREE_YELLOWS", c.Unit, "yellows:"+c.Unit+":"+name+":"+itoa(n/3), "", nil, n, system, now)
	red.NextAt = &now
	_, err := putCard(ctx, tx, system, red, &e, Once{})
	return err
}

// quarter is the calendar quarter of an instant, local: [from, to) and its name, 2026Q2.
func (w *World) quarter(at time.Time) (from, to time.Time, name string) {
	local := at.In(w.Calendar.Location())
	q := (int(local.Month()) - 1) / 3
	from = time.Date(local.Year(), time.Month(3*q+1), 1, 0, 0, 0, 0, local.Location())
	return from, from.AddDate(0, 3, 0), local.Format("2006") + "Q" + itoa(q+1)
}

package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Exclusion asks that something be taken out of the figures (剔除): a supervisor proposes, an auditor decides, and they
// are two people. Subject is one assignment, call target or rating of the case; nil is everything of the case, of Unit when
// one is named.
type Exclusion struct {
	ID         uuid.UUID
	CaseID     uuid.UUID
	Subject    *uuid.UUID
	Unit       string
	Reason     string
	Scope      string
	LegalDue   *time.Time
	Text       string
	State      string
	ProposedBy uuid.UUID
	ProposedAt time.Time
	DecidedBy  *uuid.UUID
	DecidedAt  *time.Time
	Answer     string
	// CaseNo and the names are read beside it: whoever decides sees who asks, and about what.
	CaseNo, ProposerName, DeciderName string
}

const exclusionColumns = `id, case_id, subject, unit, reason, scope, legal_due, text, state, proposed_by, proposed_at, decided_by, decided_at, answer,
	coalesce((select c.case_no from cases c where c.district = exclusion.district and c.id = exclusion.case_id), ''),
	coalesce((select a.display_name from account a where a.district = exclusion.district and a.id = exclusion.proposed_by), ''),
	coalesce((select a.display_name from account a where a.district = exclusion.district and a.id = exclusion.decided_by), '')`

// exclusionDays is how many working days after closing an exclusion may be asked for (domain 4d).
const exclusionDays = 5

// byRequest are the reasons that people may give; EX4, EX7 and EX8 follow from what happened.
var byRequest = []string{"EX1", "EX2", "EX3", "EX5", "EX6", "EX9"}

// Propose asks for an exclusion. A supervisor only; asked twice is refused (ALREADY_ASKED).
func (k *Desk) Propose(ctx context.Context, a auth.Actor, in Exclusion) (*Exclusion, error) {
	if !a.Has(auth.RoleSupervisor) {
		return nil, fault.Forbidden("NOT_YOURS", "剔除由督查人员提出，审计人员批准")
	}
	w := k.worlds.Get(a.District)
	switch {
	case !slices.Contains(byRequest, in.Reason):
		return nil, fault.Invalid("/reason", "应为 %s 之一；EX4、EX7、EX8 由系统自动剔除", strings.Join(byRequest, "、"))
	case in.Scope != "TIMELINESS" && in.Scope != "RATING" && in.Scope != "ALL":
		return nil, fault.Invalid("/scope", "应为 TIMELINESS、RATING、ALL 之一")
	case (in.Reason == "EX2") != (in.LegalDue != nil):
		return nil, fault.Invalid("/legal_due", "EX2（法定程序）须给出法定期限，其他原因不填")
	case in.Reason == "EX2" && in.Scope == "RATING":
		return nil, fault.Invalid("/scope", "EX2 只改变期限，不涉及评价")
	case len([]rune(strings.TrimSpace(in.Text))) < 5:
		return nil, fault.Invalid("/text", "请写明理由，至少 5 个字")
	case in.Unit != "" && w.Units[in.Unit].Code == "":
		return nil, fault.Invalid("/unit", "没有单位 %s", in.Unit)
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var closed *time.Time
	var owns bool
	err := k.db.Pool.QueryRow(ctx, `select c.closed_at, $3::uuid is null or exists (select from assignment x where x.district = c.district and x.id = $3 and x.case_id = c.id)
		or exists (select from call_target x where x.district = c.district and x.id = $3 and x.case_id = c.id) or exists (select from rating x where x.district = c.district and x.id = $3 and x.case_id = c.id)
		from cases c where c.district = $1 and c.id = $2`, a.District, in.CaseID, in.Subject).Scan(&closed, &owns)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fault.Invalid("/case_id", "没有这个案件")
	case err != nil:
		return nil, pg.Fault(err)
	case !owns:
		return nil, fault.Invalid("/subject_id", "该案件没有这项任务、呼叫或评价")
	case closed != nil && w.Calendar.Between(*closed, a.Now, true) > exclusionDays*8*3600:
		return nil, fault.Conflict("WINDOW_CLOSED", "结案 %d 个工作日后不能再申请剔除", exclusionDays)
	}
	rows, err := k.db.Pool.Query(ctx, `insert into exclusion (district, id, case_id, subject, unit, reason, scope, legal_due, text, state, proposed_by, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'PROPOSED', $10, yx_now()) returning `+exclusionColumns,
		a.District, uuid.Must(uuid.NewV7()), in.CaseID, in.Subject, in.Unit, in.Reason, in.Scope, in.LegalDue, strings.TrimSpace(in.Text), a.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Exclusion])
	if constraint(err) == "exclusion_once" {
		return nil, fault.Conflict("ALREADY_ASKED", "这项剔除已经提出过，不能重复申请")
	}
	return e, pg.Fault(err)
}

// DecideExclusion approves or declines: an auditor, and never who proposed it. An approval gives every frozen sheet that the
// exclusion bears on a new revision, in the same transaction; what is not frozen yet takes it up by itself.
func (k *Desk) DecideExclusion(ctx context.Context, a auth.Actor, id uuid.UUID, approve bool, answer string) (*Exclusion, error) {
	if !a.Has(auth.RoleAuditor) {
		return nil, fault.Forbidden("NOT_YOURS", "剔除由督查人员提出，审计人员批准")
	}
	w := k.worlds.Get(a.District)
	ctx = pg.WithDistrict(ctx, a.District)
	var e *Exclusion
	err := pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select "+exclusionColumns+" from exclusion where district = $1 and id = $2 for update", a.District, id)
		if err != nil {
			return err
		}
		e, err = pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Exclusion])
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fault.NotFound()
		case err != nil:
			return err
		case e.ProposedBy == a.Account:
			return fault.Forbidden("SAME_PERSON", "提出剔除的人不能批准它，须由另一人决定")
		case e.State != "PROPOSED":
			return fault.Conflict("ALREADY_DECIDED", "这项剔除已有决定")
		}
		state := "DECLINED"
		if approve {
			state = "APPROVED"
		}
		rows, err = tx.Query(ctx, "update exclusion set state = $3, decided_by = $4, decided_at = yx_now(), answer = $5 where district = $1 and id = $2 returning "+exclusionColumns, a.District, id, state, a.Account, strings.TrimSpace(answer))
		if err != nil {
			return err
		}
		if e, err = pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Exclusion]); err != nil || !approve {
			return err
		}
		return w.revise(ctx, tx, e)
	})
	return e, pg.Fault(err)
}

// revise makes the next revision of the frozen sheets whose facts the exclusion takes out.
func (w *World) revise(ctx context.Context, tx pgx.Tx, e *Exclusion) error {
	type key struct{ Period, Unit string }
	bear := excluding{Case: e.CaseID, Subject: e.Subject, Unit: e.Unit, Reason: e.Reason, Scope: e.Scope, LegalDue: e.LegalDue}
	rows, err := tx.Query(ctx, "select period, unit, kind, id from assessment_fact where district = $1 and case_id = $2 order by period, unit", w.District, e.CaseID)
	if err != nil {
		return err
	}
	var touched []key
	var at key
	f := unitFact{caseID: e.CaseID}
	if _, err := pgx.ForEachRow(rows, []any{&at.Period, &at.Unit, &f.Kind, &f.id}, func() error {
		f.unit = at.Unit
		if bear.bears(&f) && !slices.Contains(touched, at) {
			touched = append(touched, at)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, t := range touched {
		p, err := w.period(t.Period)
		if err != nil {
			return err
		}
		// Two approvals for one sheet come one after the other: the first one's revision must be seen.
		var last int
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "sheet:"+w.District+t.Period+t.Unit); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "select coalesce(max(revision), 0) from assessment_sheet where district = $1 and period = $2 and unit = $3", w.District, t.Period, t.Unit).Scan(&last); err != nil {
			return err
		}
		facts, list, err := frozenWith(ctx, tx, w.District, t.Period, t.Unit, nil)
		if err != nil {
			return err
		}
		applied := bearing(facts, t.Unit, list)
		if err := store(ctx, tx, w.recompute(p, t.Unit, last+1, facts, list), *e.DecidedAt, &e.ID, applied); err != nil {
			return err
		}
	}
	return nil
}

// Exclusions is one page of exclusions, newest first; state "" is any.
func (k *Desk) Exclusions(ctx context.Context, a auth.Actor, state string, limit int, cursor string) (list []Exclusion, next string, err error) {
	if !a.Has(auth.RoleSupervisor, auth.RoleAuditor) {
		return nil, "", fault.Forbidden("NOT_YOURS", "剔除由督查人员和审计人员查看")
	}
	at, last := "infinity", uuid.Max
	if cursor != "" {
		if at, last, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	if limit < 1 || limit > 200 {
		limit = 50
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select "+exclusionColumns+` from exclusion where district = $1 and ($2 = '' or state = $2) and (proposed_at, id) < ($3::timestamptz, $4)
		order by proposed_at desc, id desc limit $5`, a.District, state, at, last, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Exclusion]); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		e := &list[limit-1]
		next = writeCursor(e.ProposedAt.Format("2006-01-02 15:04:05.999999999-07"), e.ID)
	}
	return list, next, nil
}

// Objection is what a unit says against a frozen sheet, once a revision, and what it is answered.
type Objection struct {
	ID         uuid.UUID
	Period     string
	Unit       string
	Revision   int
	Text       string
	FiledBy    uuid.UUID
	FiledAt    time.Time
	Answer     string
	AnsweredBy *uuid.UUID
	AnsweredAt *time.Time
}

const objectionColumns = "id, period, unit, revision, text, filed_by, filed_at, answer, answered_by, answered_at"

// Object files a unit's objection to its latest frozen sheet.
func (k *Desk) Object(ctx context.Context, a auth.Actor, unit, period, text string) (*Objection, error) {
	s, _, err := k.Sheet(ctx, a, unit, period, 0)
	if err != nil {
		return nil, err
	}
	switch {
	case a.In(unit, leaderRoles...) == "":
		return nil, fault.Forbidden("LEADER_NEEDED", "异议须由本单位负责人提出")
	case strings.Contains(s.Period, "Q"):
		return nil, fault.Conflict("NOT_A_MONTH", "季度考核单由三个月的考核单汇总而成，异议请对月度考核单提出")
	case !s.Frozen:
		return nil, fault.Conflict("NOT_FROZEN", "考核单尚未定稿，定稿后才能提出异议")
	case len([]rune(strings.TrimSpace(text))) < 5:
		return nil, fault.Invalid("/text", "请写明异议内容，至少 5 个字")
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "insert into assessment_objection (district, id, period, unit, revision, text, filed_by, filed_at) values ($1, $2, $3, $4, $5, $6, $7, yx_now()) returning "+objectionColumns,
		a.District, uuid.Must(uuid.NewV7()), s.Period, unit, s.Revision, strings.TrimSpace(text), a.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Objection])
	if constraint(err) == "assessment_objection_once" {
		return nil, fault.Conflict("ALREADY_OBJECTED", "对这一版考核单已提出过异议")
	}
	return o, pg.Fault(err)
}

// AnswerObjection is the supervisor's written answer, once.
func (k *Desk) AnswerObjection(ctx context.Context, a auth.Actor, id uuid.UUID, text string) (*Objection, error) {
	switch {
	case !a.Has(auth.RoleSupervisor):
		return nil, fault.Forbidden("NOT_YOURS", "异议由督查人员答复")
	case len([]rune(strings.TrimSpace(text))) < 5:
		return nil, fault.Invalid("/text", "请写明答复，至少 5 个字")
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "update assessment_objection set answer = $3, answered_by = $4, answered_at = yx_now() where district = $1 and id = $2 and answered_at is null returning "+objectionColumns,
		a.District, id, strings.TrimSpace(text), a.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[Objection])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.Conflict("ALREADY_ANSWERED", "没有这项异议，或已答复")
	}
	return o, pg.Fault(err)
}

// Objections lists those to a unit's sheets of a period.
func (k *Desk) Objections(ctx context.Context, a auth.Actor, unit, period string) ([]Objection, error) {
	if err := mayRead(a, unit); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select "+objectionColumns+" from assessment_objection where district = $1 and period = $2 and unit = $3 order by revision", a.District, period, unit)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Objection])
	return list, pg.Fault(err)
}

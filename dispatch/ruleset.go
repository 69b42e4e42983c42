package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// States of a rule set: DRAFT is edited, PUBLISHED is the one in force, RETIRED was in force, DISCARDED never will be.
const (
	SetDraft     = "DRAFT"
	SetPublished = "PUBLISHED"
	SetRetired   = "RETIRED"
	SetDiscarded = "DISCARDED"
)

// RuleSet is a numbered set of the rules that people write. Only a draft changes; each change raises its revision.
type RuleSet struct {
	Version     int         `json:"version"`
	Status      string      `json:"status"`
	Revision    int         `json:"revision"`
	BasedOn     *int        `json:"based_on"`
	Note        string      `json:"note"`
	Author      *uuid.UUID  `json:"author"` // nil: the program (first load, import)
	AuthorName  string      `json:"author_name"`
	Editors     []uuid.UUID `json:"editors"` // who wrote in it: none of them may publish it
	CreatedAt   time.Time   `json:"created_at"`
	PublishedBy *uuid.UUID  `json:"published_by"`
	Publisher   string      `json:"publisher"`
	PublishedAt *time.Time  `json:"published_at"`
	Rules       int         `json:"rules"`
}

const ruleSetSQL = `select s.version, s.status, s.revision, s.based_on, s.note, s.author, coalesce(w.display_name, ''), s.editors, s.created_at, s.published_by, coalesce(p.display_name, ''), s.published_at,
 (select count(*) from rule_row r where r.district = s.district and r.set_version = s.version)
 from rule_set s left join account w on w.district = s.district and w.id = s.author left join account p on p.district = s.district and p.id = s.published_by where s.district = $1`

func administers(a auth.Actor) error {
	if a.Kind != auth.Staff || !a.Has(auth.RoleTenantAdmin) {
		return fault.Forbidden("NOT_YOURS", "规则由辖区管理员维护")
	}
	return nil
}

// RuleSets is a page of sets, newest first, and the number of the one in force (0: none).
func (k *Desk) RuleSets(ctx context.Context, a auth.Actor, limit int, cursor string) (list []RuleSet, next string, inForce int, err error) {
	if err := administers(a); err != nil {
		return nil, "", 0, err
	}
	below := 1 << 30
	if cursor != "" {
		if below, err = strconv.Atoi(cursor); err != nil || below < 1 || below > 1<<30 {
			return nil, "", 0, fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
		}
	}
	ctx = pg.WithDistrict(ctx, a.District)
	rows, err := k.db.Pool.Query(ctx, ruleSetSQL+" and s.version < $2 order by s.version desc limit $3", a.District, below, limit+1)
	if err != nil {
		return nil, "", 0, pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[RuleSet]); err != nil {
		return nil, "", 0, pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = strconv.Itoa(list[limit-1].Version)
	}
	err = k.db.Pool.QueryRow(ctx, "select coalesce(max(version), 0) from rule_set where district = $1 and status = 'PUBLISHED'", a.District).Scan(&inForce)
	return list, next, inForce, pg.Fault(err)
}

// RuleSetDetail is a set with its rules in deciding order and what was done to it.
type RuleSetDetail struct {
	RuleSet
	Rows   []rule.Ranked
	Events []auth.Audited // the newest, oldest first
}

// RuleSetOf reads one set; version is a number or "current", the one in force.
func (k *Desk) RuleSetOf(ctx context.Context, a auth.Actor, version string) (*RuleSetDetail, error) {
	if err := administers(a); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	n, err := k.setNumber(ctx, a.District, version)
	if err != nil {
		return nil, err
	}
	s, err := readSet(ctx, k.db.Pool, a.District, n, "")
	if err != nil {
		return nil, err
	}
	rules, err := setRules(ctx, k.db.Pool, a.District, n)
	if err != nil {
		return nil, err
	}
	d := &RuleSetDetail{RuleSet: *s}
	if w := k.worlds.Get(a.District); w != nil {
		d.Rows = rule.Rank(rules, w.Catalog, w.dir)
	}
	rows, err := k.db.Pool.Query(ctx, `select e.id, e.at, e.action, e.kind, e.key, e.before, e.after, e.actor, coalesce(w.display_name, ''), e.role from audit_event e left join account w on w.district = e.district and w.id::text = e.actor
		where e.district = $1 and e.kind = 'rule_set' and e.key = $2 order by e.at desc, e.id desc limit 200`, a.District, strconv.Itoa(n))
	if err != nil {
		return nil, pg.Fault(err)
	}
	d.Events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (x auth.Audited, err error) {
		err = row.Scan(&x.ID, &x.At, &x.Action, &x.Kind, &x.Key, &x.Before, &x.After, &x.Actor, &x.ActorName, &x.Role)
		return x, err
	})
	slices.Reverse(d.Events)
	return d, pg.Fault(err)
}

// setNumber reads "current" or a number.
func (k *Desk) setNumber(ctx context.Context, district, version string) (n int, err error) {
	if version == "current" || version == "" {
		err = k.db.Pool.QueryRow(ctx, "select version from rule_set where district = $1 and status = 'PUBLISHED'", district).Scan(&n)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, fault.NotFound()
		}
		return n, pg.Fault(err)
	}
	if n, err = strconv.Atoi(version); err != nil || n < 1 || n > 1<<30 {
		return 0, fault.NotFound()
	}
	return n, nil
}

// readSet reads a set; lock is "" or "for update of s".
func readSet(ctx context.Context, q rowsQuerier, district string, version int, lock string) (*RuleSet, error) {
	rows, err := q.Query(ctx, ruleSetSQL+" and s.version = $2 "+lock, district, version)
	if err != nil {
		return nil, pg.Fault(err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[RuleSet])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	return s, pg.Fault(err)
}

func setRules(ctx context.Context, q rowsQuerier, district string, version int) ([]rule.Rule, error) {
	rows, err := q.Query(ctx, "select body from rule_row where district = $1 and set_version = $2 order by id", district, version)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, readRule)
	return list, pg.Fault(err)
}

// did is one act on a set for the audit.
type did struct {
	set           int
	action        string
	before, after any
}

// onSets carries an act on a district's sets out: one at a time per district, in one transaction, with its row in the
// audit, and the answer kept for a repeated request.
func (k *Desk) onSets(ctx context.Context, a auth.Actor, once Once, act func(ctx context.Context, tx pgx.Tx, w *World) (did, error)) (*RuleSet, error) {
	if err := administers(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var s *RuleSet
	changed := false
	err := pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		if err := lockSets(ctx, tx, a.District); err != nil {
			return err
		}
		answer, err := first(ctx, tx, a, once)
		if err != nil {
			return err
		}
		if answer != nil {
			s = &RuleSet{}
			return json.Unmarshal(answer, s)
		}
		done, err := act(ctx, tx, w)
		if err != nil {
			return err
		}
		row, err := auth.AuditChange(done.action, "rule_set", strconv.Itoa(done.set), done.before, done.after)
		if err != nil {
			return err
		}
		if err := auth.Audit(ctx, tx, a, row); err != nil {
			return err
		}
		if s, err = readSet(ctx, tx, a.District, done.set, ""); err != nil {
			return err
		}
		changed = s.Status == SetPublished
		if once.Key == "" {
			return nil
		}
		_, err = tx.Exec(ctx, "insert into idempotency (district, actor, key, payload_hash, status, answer) values ($1, $2, $3, $4, 200, $5)", a.District, a.ID(), once.Key, once.Hash, encode(s))
		return err
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	if changed {
		return s, pg.Fault(k.worlds.LoadRules(context.WithoutCancel(ctx), a.District))
	}
	return s, nil
}

// lockSets lets one change of a district's sets happen at a time.
func lockSets(ctx context.Context, tx pgx.Tx, district string) error {
	_, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "rules:"+district)
	return err
}

package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/notify"
)

// Clone makes a district after a template that this installation serves.
type Clone struct {
	From, To   string // 6-digit districts
	Name, City string // City "": the template's, where both lie in one city (their first four digits)
	DryRun     bool
}

// Cloned is what a clone did or, with DryRun, would do.
type Cloned struct {
	DryRun   bool   `json:"dry_run"`
	From     string `json:"from"`
	To       string `json:"to"`
	Name     string `json:"name"`
	City     string `json:"city"`
	Items    int    `json:"items"`
	Rules    int    `json:"rules"`
	Codes    int64  `json:"code_mappings"`
	Days     int64  `json:"calendar_days"`
	Wordings int64  `json:"wordings"`
	Notices  int64  `json:"notice_rows"`

	Targets    []rule.Moved `json:"targets"`
	Unresolved []rule.Moved `json:"unresolved"`
	LeftOut    []rule.Left  `json:"left_out"`
	Lines      []NeededLine `json:"lines"`
}

// NeededLine is a field of work for which the new district needs a unit, or its street stands in.
type NeededLine struct {
	Line string `json:"line"`
	Name string `json:"name"`
}

// districtCode is a county or city district of GB/T 2260: the last two digits of provinces and cities are 00.
var districtCode = regexp.MustCompile(`^[1-9][0-9]{3}(0[1-9]|[1-9][0-9])$`)

// CloneDistrict makes a district with the catalogue, the rules in force, the limit of the access list, the codes of older
// standards, the days of the calendar and the wordings and matrix of messages of another one, in one transaction. It takes no
// people, no units, no map, no addresses or keys of providers, no precedents and nothing that holds in one place of the
// template only. The pool is the engine's, which sees every district. Refused: a template that is not there, a district that is
// (409 EXISTS).
func CloneDistrict(ctx context.Context, db *pg.DB, in Clone) (*Cloned, error) {
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case !districtCode.MatchString(in.To):
		return nil, fault.Invalid("/to", "新辖区应为 6 位区县代码（GB/T 2260），例如 350122")
	case in.From == in.To:
		return nil, fault.Invalid("/to", "新辖区不能是模板辖区自己")
	case in.Name == "" || len([]rune(in.Name)) > 40:
		return nil, fault.Invalid("/name", "请写明新辖区的名称，最多 40 个字，例如 连江县")
	}
	out := &Cloned{DryRun: in.DryRun, From: in.From, To: in.To, Name: in.Name, City: in.City, Targets: []rule.Moved{}, Unresolved: []rule.Moved{}, LeftOut: []rule.Left{}, Lines: []NeededLine{}}
	err := pgx.BeginFunc(pg.WithDistrict(ctx, in.To), db.Pool, func(tx pgx.Tx) error {
		if err := out.run(ctx, tx); err != nil {
			return err
		}
		if in.DryRun {
			return errDry
		}
		return nil
	})
	if fault.Is(err, errDry.Code) {
		err = nil
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	return out, nil
}

func (c *Cloned) run(ctx context.Context, tx pgx.Tx) error {
	var now time.Time
	var city string
	// Whoever changes the template's configuration counts it up in this row, and waits until it has been read as a whole.
	err := tx.QueryRow(ctx, "select yx_now(), city from tenant where district = $1 for share", c.From).Scan(&now, &city)
	if errors.Is(err, pgx.ErrNoRows) {
		return c.noTemplate(ctx, tx)
	}
	if err != nil {
		return err
	}
	if c.City == "" && c.From[:4] == c.To[:4] {
		c.City = city
	}
	tag, err := tx.Exec(ctx, "insert into tenant (district, name, city, settings) select $2, $3, $4, settings from tenant where district = $1 on conflict do nothing", c.From, c.To, c.Name, c.City)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return fault.Conflict("EXISTS", "辖区 %s 已经存在，克隆不会改动它", c.To)
	}
	moved, err := c.transplant(ctx, tx, now)
	if err != nil {
		return err
	}
	c.report(moved)
	if err := c.write(ctx, tx, moved); err != nil {
		return err
	}
	if c.Wordings, c.Notices, err = notify.CopySettings(ctx, tx, c.From, c.To); err != nil {
		return err
	}
	row, err := auth.AuditChange("clone", "district", c.To, nil, c)
	if err != nil {
		return err
	}
	return auth.Audit(ctx, tx, auth.SystemActor(c.To, now), row)
}

func (c *Cloned) noTemplate(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "select district from tenant order by district")
	if err != nil {
		return err
	}
	have, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return fault.Invalid("/from", "没有模板辖区 %s，可选 %s", c.From, strings.Join(have, "、"))
}

// transplant reads what is in force in the template and moves it.
func (c *Cloned) transplant(ctx context.Context, tx pgx.Tx, now time.Time) (rule.Transplant, error) {
	var none rule.Transplant
	rows, err := tx.Query(ctx, "select "+catalogColumns+" from catalog_item i where i.district = $1 and i.active and i.valid_from <= $2 and (i.valid_to is null or i.valid_to > $2) order by i.kind, i.code, i.area", c.From, now)
	if err != nil {
		return none, err
	}
	items, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return none, err
	}
	rows, err = tx.Query(ctx, "select r.body from rule_row r join rule_set s on s.district = r.district and s.version = r.set_version where r.district = $1 and s.status = 'PUBLISHED' order by r.id", c.From)
	if err != nil {
		return none, err
	}
	rules, err := pgx.CollectRows(rows, readRule)
	if err != nil {
		return none, err
	}
	rows, err = tx.Query(ctx, "select code, short_name, kind, line, active from org_unit where district = $1", c.From)
	if err != nil {
		return none, err
	}
	units, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rule.Unit])
	if err != nil {
		return none, err
	}
	dir := rule.Directory{Units: map[string]rule.Unit{}}
	for _, u := range units {
		dir.Units[u.Code] = u
	}
	return rule.NewTransplant(items, rules, dir, c.From, c.To), nil
}

func (c *Cloned) report(m rule.Transplant) {
	c.Items, c.Rules = len(m.Items), len(m.Rules)
	c.Targets, c.Unresolved, c.LeftOut = append(c.Targets, m.Targets...), append(c.Unresolved, m.Unresolved...), append(c.LeftOut, m.LeftOut...)
	names := map[string]string{}
	for _, l := range rule.Lines() {
		names[l.Code] = l.Zh
	}
	for _, code := range m.Lines {
		c.Lines = append(c.Lines, NeededLine{code, names[code]})
	}
}

func (c *Cloned) write(ctx context.Context, tx pgx.Tx, m rule.Transplant) error {
	items, err := json.Marshal(m.Items)
	if err != nil {
		return err
	}
	rules, err := json.Marshal(m.Rules)
	if err != nil {
		return err
	}
	note := "由 " + c.From + " 克隆"
	if _, err := tx.Exec(ctx, `insert into catalog_item (district, standard, kind, code, version, valid_from, valid_to, note, body)
		select $1, x->>'standard', x->>'kind', x->>'code', 1, yx_now(), (x->>'valid_to')::timestamptz, $3, x from jsonb_array_elements($2::jsonb) x`, c.To, items, note); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "select yx_first_rules($1, $2, $3)", c.To, rules, note); err != nil {
		return err
	}
	for sql, n := range map[string]*int64{
		"insert into code_map (district, standard_from, code_from, standard_to, code_to) select $2, standard_from, code_from, standard_to, code_to from code_map where district = $1": &c.Codes,
		"insert into calendar_day (district, day, is_work) select $2, day, is_work from calendar_day where district = $1":                                                             &c.Days,
	} {
		tag, err := tx.Exec(ctx, sql, c.From, c.To)
		if err != nil {
			return err
		}
		*n = tag.RowsAffected()
	}
	return nil
}

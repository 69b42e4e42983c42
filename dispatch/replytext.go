package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/notify"
)

// ReplyTemplate are words that a district writes again and again in the form of one action: for all matters (Matter ""), for a
// major class (two digits) or for one matter.
type ReplyTemplate struct {
	ID        uuid.UUID
	Action    Action
	Matter    string
	Name      string
	Text      string
	Version   int
	UpdatedAt time.Time
}

// ReplyFields name the field of an action's form that a template fills.
var ReplyFields = map[Action]string{ActReject: "reply", ActResolve: "measures", ActReply: "text", ActSupervise: "text", ActReturn: "reason", ActDispute: "reason", ActConsult: "conclusion", ActNote: "text"}

// replySlots are the placeholders that a case has a value for.
var replySlots = []string{"case_no", "matter", "place", "unit", "promise", "due"}

const replyText = 500 // characters

// replyData are the values of a case, as messages about it have them: the place is that of messages, never the exact address.
func (w *World) replyData(caseNo, matter, gridCode, unit string, promise, due *time.Time) map[string]string {
	place := gridCode
	if at, ok := w.Grid(gridCode); ok {
		place = at.CommunityName
	}
	values := map[string]string{"case_no": caseNo, "matter": w.MatterName(matter), "place": place, "unit": w.UnitName(unit), "promise": instant(promise), "due": instant(due)}
	for key, v := range values {
		if v == "" {
			delete(values, key)
		}
	}
	return values
}

// RepliesFor are the district's templates for an action on a case in the actor's scope, the most special first, filled in by the
// code that fills in messages: one query. What the case has no value for is left as a gap for the writer.
func (k *Desk) RepliesFor(ctx context.Context, a auth.Actor, id uuid.UUID, action Action) (list []ReplyTemplate, field string, err error) {
	field, ok := ReplyFields[action]
	if !ok {
		return nil, "", fault.Invalid("/action", "这个操作没有常用语")
	}
	cond, more := scope(a, 4)
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select t.id, t.name, t.text, t.matter, coalesce(c.case_no, ''), c.matter, c.grid_code, coalesce(nullif(c.lead_unit, ''), c.owner_unit), c.promise_at, c.due_at
		from cases c left join reply_template t on t.district = c.district and t.action = $3 and t.matter in ('', c.matter, left(c.matter, 2)) where c.district = $1 and c.id = $2 and `+cond+` order by length(t.matter) desc, t.name, t.id`,
		append([]any{a.District, id, string(action)}, more...)...)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	w := k.worlds.Get(a.District)
	list = []ReplyTemplate{}
	seen := false
	var tid *uuid.UUID
	var name, text, of *string
	var caseNo, matter, grid, unit string
	var promise, due *time.Time
	_, err = pgx.ForEachRow(rows, []any{&tid, &name, &text, &of, &caseNo, &matter, &grid, &unit, &promise, &due}, func() error {
		seen = true
		if tid == nil {
			return nil
		}
		said, err := notify.FillIn(*text, notify.Chinese, w.replyData(caseNo, matter, grid, unit, promise, due))
		list = append(list, ReplyTemplate{ID: *tid, Action: action, Matter: *of, Name: *name, Text: said})
		return err
	})
	if err == nil && !seen {
		err = fault.NotFound()
	}
	return list, field, pg.Fault(err)
}

// ReplyTemplates are all of the district, by action and matter.
func (k *Desk) ReplyTemplates(ctx context.Context, a auth.Actor) ([]ReplyTemplate, error) {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以维护常用语"); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select id, action, matter, name, text, version, updated_at from reply_template where district = $1 order by action, matter, name, id limit 1000", a.District)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ReplyTemplate])
	return list, pg.Fault(err)
}

func (k *Desk) checkReply(w *World, t *ReplyTemplate) error {
	t.Name, t.Text = strings.TrimSpace(t.Name), strings.TrimSpace(t.Text)
	var wrong *fault.Error
	say := func(pointer, format string, args ...any) {
		if wrong == nil {
			wrong = fault.Invalid(pointer, format, args...)
			return
		}
		wrong = wrong.At(pointer, format, args...)
	}
	if _, ok := ReplyFields[t.Action]; !ok {
		say("/action", "这个操作没有可填写的文字")
	}
	if n := utf8.RuneCountInString(t.Name); n < 1 || n > 40 {
		say("/name", "名称应为 1 到 40 个字")
	}
	if n := utf8.RuneCountInString(t.Text); n < 1 || n > replyText {
		say("/text", "正文应为 1 到 %d 个字", replyText)
	} else if unknown, ok := notify.Unknown(t.Text, replySlots); !ok {
		say("/text", "占位符 {%s} 不可用；可用：{%s}", unknown, strings.Join(replySlots, "}、{"))
	}
	switch {
	case t.Matter == "":
	case len(t.Matter) == 2 && slices.ContainsFunc(w.Catalog.Matters(), func(m *rule.Item) bool { return strings.HasPrefix(m.Code, t.Matter) }):
	case len(t.Matter) == 5 && w.MatterName(t.Matter) != "":
	default:
		say("/matter", "责任清单中没有事项 %s；应为 5 位事项编码、2 位大类，或不填", t.Matter)
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

// SaveReply adds a template (Version 0) or changes one from the version that was read: 409 STALE, 409 EXISTS.
func (k *Desk) SaveReply(ctx context.Context, a auth.Actor, t ReplyTemplate) (*ReplyTemplate, error) {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以维护常用语"); err != nil {
		return nil, err
	}
	if err := k.checkReply(k.worlds.Get(a.District), &t); err != nil {
		return nil, err
	}
	err := k.replyChange(ctx, a, t.ID, func(ctx context.Context, tx pgx.Tx, old *ReplyTemplate) (auth.Change, error) {
		action := "create"
		switch {
		case t.ID == uuid.Nil:
			t.ID = uuid.Must(uuid.NewV7())
		case old == nil:
			return auth.Change{}, fault.NotFound()
		case old.Version != t.Version:
			return auth.Change{}, fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", old.Version)
		default:
			action = "change"
		}
		var taken bool
		if err := tx.QueryRow(ctx, "select exists (select 1 from reply_template where district = $1 and action = $2 and matter = $3 and name = $4 and id <> $5)", a.District, string(t.Action), t.Matter, t.Name, t.ID).Scan(&taken); err != nil || taken {
			if err == nil {
				err = fault.Conflict("EXISTS", "同一操作和事项下已有同名的常用语：%s", t.Name)
			}
			return auth.Change{}, err
		}
		if err := tx.QueryRow(ctx, `insert into reply_template as r (district, id, action, matter, name, text) values ($1, $2, $3, $4, $5, $6)
			on conflict (district, id) do update set action = excluded.action, matter = excluded.matter, name = excluded.name, text = excluded.text, version = r.version + 1, updated_at = yx_now() returning version, updated_at`,
			a.District, t.ID, string(t.Action), t.Matter, t.Name, t.Text).Scan(&t.Version, &t.UpdatedAt); err != nil {
			return auth.Change{}, err
		}
		return auth.AuditChange(action, "reply_template", t.ID.String(), old.shown(), t.shown())
	})
	return &t, err
}

// DropReply removes a template.
func (k *Desk) DropReply(ctx context.Context, a auth.Actor, id uuid.UUID) error {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以维护常用语"); err != nil {
		return err
	}
	return k.replyChange(ctx, a, id, func(ctx context.Context, tx pgx.Tx, old *ReplyTemplate) (auth.Change, error) {
		if old == nil {
			return auth.Change{}, fault.NotFound()
		}
		if _, err := tx.Exec(ctx, "delete from reply_template where district = $1 and id = $2", a.District, id); err != nil {
			return auth.Change{}, err
		}
		return auth.AuditChange("remove", "reply_template", id.String(), old.shown(), nil)
	})
}

func (t *ReplyTemplate) shown() any {
	if t == nil {
		return nil
	}
	return map[string]any{"action": t.Action, "matter": t.Matter, "name": t.Name, "text": t.Text}
}

// replyChange makes one change at a time in a district, with its row of the audit in the same transaction.
func (k *Desk) replyChange(ctx context.Context, a auth.Actor, id uuid.UUID, do func(context.Context, pgx.Tx, *ReplyTemplate) (auth.Change, error)) error {
	return pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), k.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "replies:"+a.District); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "select id, action, matter, name, text, version, updated_at from reply_template where district = $1 and id = $2", a.District, id)
		if err != nil {
			return err
		}
		old, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[ReplyTemplate])
		if err != nil {
			return err
		}
		var was *ReplyTemplate
		if len(old) > 0 {
			was = old[0]
		}
		change, err := do(ctx, tx, was)
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, change)
	}))
}

// PreviewReply fills in words that may not be saved yet with the values of the district's newest filed case of the matter, by the
// same code; 404 NO_SAMPLE when there is none. Whoever writes templates sees no case: of it stands here what a message says.
func (k *Desk) PreviewReply(ctx context.Context, a auth.Actor, t ReplyTemplate) (text, caseNo string, err error) {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以维护常用语"); err != nil {
		return "", "", err
	}
	w := k.worlds.Get(a.District)
	if t.Name == "" {
		t.Name = "—" // not yet named
	}
	if err := k.checkReply(w, &t); err != nil {
		return "", "", err
	}
	var matter, grid, unit string
	var promise, due *time.Time
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `select c.case_no, c.matter, c.grid_code, coalesce(nullif(c.lead_unit, ''), c.owner_unit), c.promise_at, c.due_at from cases c
		where c.district = $1 and c.case_no is not null and c.sensitivity in ('PUBLIC', 'NORMAL') and ($2 = '' or starts_with(c.matter, $2)) order by c.created_at desc limit 1`, a.District, t.Matter).Scan(&caseNo, &matter, &grid, &unit, &promise, &due)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", fault.New(404, "NO_SAMPLE", "本区还没有这类事项的案件，无法预览；可先在练习模式中办理一件")
	}
	if err != nil {
		return "", "", pg.Fault(err)
	}
	text, err = notify.FillIn(t.Text, notify.Chinese, w.replyData(caseNo, matter, grid, unit, promise, due))
	return text, caseNo, err
}

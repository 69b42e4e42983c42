package dispatch

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// PublicNotice is an official word to the public (通知公告), or the clarification of a rumour (澄清) with its verdict. It is published
// once and never edited; a wrong one is withdrawn and another published.
type PublicNotice struct {
	ID          uuid.UUID  `json:"id"`
	Kind        string     `json:"kind"` // NOTICE, CLARIFICATION
	Title       string     `json:"title"`
	Text        string     `json:"text"`
	Verdict     string     `json:"verdict"` // of a clarification: TRUE, FALSE, MISLEADING
	Matter      string     `json:"matter"`  // what it is about, for the time between the first report of a topic and the notice
	Areas       []string   `json:"areas"`   // area codes; none: the whole district
	CaseID      *uuid.UUID `json:"case_id"`
	Unit        string     `json:"unit"`
	Drill       bool       `json:"drill"`
	PublishedAt time.Time  `json:"published_at"`
	PublishedBy uuid.UUID  `json:"published_by"`
	WithdrawnAt *time.Time `json:"withdrawn_at"`
}

const noticeColumns = "id, kind, title, text, verdict, matter, areas, case_id, unit, drill, published_at, published_by, withdrawn_at"

func (n *PublicNotice) into() []any {
	return []any{&n.ID, &n.Kind, &n.Title, &n.Text, &n.Verdict, &n.Matter, &n.Areas, &n.CaseID, &n.Unit, &n.Drill, &n.PublishedAt, &n.PublishedBy, &n.WithdrawnAt}
}

// maxTitle and maxNotice bound a notice, in characters.
const (
	maxTitle  = 200
	maxNotice = 10000
)

func checkWords(title, text string) error {
	switch {
	case strings.TrimSpace(title) == "" || utf8.RuneCountInString(title) > maxTitle:
		return fault.Invalid("/title", "标题应有 1 到 %d 个字", maxTitle)
	case strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > maxNotice:
		return fault.Invalid("/text", "正文应有 1 到 %d 个字", maxNotice)
	}
	return nil
}

// PublishNotice makes an official word public. Clarifications of rumours come from their case (action clarify).
func (k *Desk) PublishNotice(ctx context.Context, a auth.Actor, in PublicNotice) (*PublicNotice, error) {
	w := k.worlds.Get(a.District)
	if err := checkWords(in.Title, in.Text); err != nil {
		return nil, err
	}
	for _, area := range in.Areas {
		if at, ok := w.Index.ByCode(area); !ok || !strings.HasPrefix(at.Code, a.District) {
			return nil, fault.Invalid("/areas", "没有区域 %s", area)
		}
	}
	if in.Matter != "" && w.MatterName(in.Matter) == "" {
		return nil, fault.Invalid("/matter", "事项清单中没有 %s", in.Matter)
	}
	in.ID, in.Kind, in.PublishedBy, in.Verdict, in.CaseID = uuid.Must(uuid.NewV7()), "NOTICE", a.Account, "", nil
	if units := a.Units(); in.Unit == "" && len(units) > 0 {
		in.Unit = units[0]
	}
	if in.Areas == nil {
		in.Areas = []string{}
	}
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `insert into notice (district, id, kind, title, text, matter, areas, unit, published_at, published_by) values ($1, $2, 'NOTICE', $3, $4, $5, $6, $7, yx_now(), $8) returning published_at`,
		a.District, in.ID, in.Title, in.Text, in.Matter, in.Areas, in.Unit, a.Account).Scan(&in.PublishedAt)
	return &in, pg.Fault(err)
}

// rumours is the major class whose cases end in a word to the public (S8: 谣言双向反馈).
const rumours = "28"

func rumour(c *Case) bool { return strings.HasPrefix(c.Matter, rumours) }

// clarify is S12: the unit that leads a rumour's case says in public what is true. What it says before is replaced.
func clarify(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c, b := &d.s.Case, &cmd.Body
	if !rumour(c) {
		return fault.Conflict("NOT_A_RUMOUR", "只有谣言与信息澄清类（28）案件可以公开澄清")
	}
	if err := checkWords(b.Title, b.Text); err != nil {
		return err
	}
	n := PublicNotice{ID: d.newID(), Kind: "CLARIFICATION", Title: b.Title, Text: b.Text, Verdict: b.Verdict, Matter: c.Matter, Areas: []string{}, CaseID: &c.ID, Unit: as.Unit, Drill: c.Drill, PublishedAt: d.now, PublishedBy: a.Account}
	d.out.Notices = append(d.out.Notices, n)
	d.event(a, as, ActClarify, None, data{"notice": n.ID, "verdict": n.Verdict, "unit": as.Unit}, map[string]string{"title": b.Title, "text": b.Text, "note": b.Note})
	return nil
}

// WithdrawNotice takes a notice off the public page; it stays on record.
func (k *Desk) WithdrawNotice(ctx context.Context, a auth.Actor, id uuid.UUID) (*PublicNotice, error) {
	var n PublicNotice
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `update notice set withdrawn_at = coalesce(withdrawn_at, yx_now()), withdrawn_by = coalesce(withdrawn_by, $3) where district = $1 and id = $2 returning `+noticeColumns,
		a.District, id, a.Account).Scan(n.into()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	return &n, pg.Fault(err)
}

// Notices lists what is public in a district, the newest first.
func (k *Desk) Notices(ctx context.Context, district, kind string, limit int, cursor string) (out []PublicNotice, next string, err error) {
	if k.worlds.Get(district) == nil {
		return nil, "", fault.NotFound()
	}
	var after *string
	var id uuid.UUID
	if cursor != "" {
		at, last, err := readCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		after, id = &at, last
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), `select `+noticeColumns+`, published_at::text as mark from notice where district = $1 and withdrawn_at is null and not drill and ($2 = '' or kind = $2)
		and ($3::timestamptz is null or (published_at, id) < ($3::timestamptz, $4::uuid)) order by published_at desc, id desc limit $5`, district, kind, after, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out = []PublicNotice{}
	var last string
	for rows.Next() {
		var n PublicNotice
		var at string
		if err := rows.Scan(append(n.into(), &at)...); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(out) == limit {
			return out, writeCursor(last, out[len(out)-1].ID), nil
		}
		out, last = append(out, n), at
	}
	return out, "", pg.Fault(rows.Err())
}

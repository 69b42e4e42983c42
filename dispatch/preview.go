package dispatch

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/notify"
)

// Sample is a message as it would be sent of a real event: title and text, and the number of the case ("" when it has none).
type Sample struct{ Title, Text, CaseNo string }

// previewDepth is how many of the district's last events are tried for one that is told by the key.
const previewDepth = 400

// Preview plans the last events of the district, or of one case, with the code that sends, until one of them is told by
// the template's event and audience, and writes that message: with the wording in force, or with one that is not saved
// yet. Nothing is stored or sent. The receipt code is left out: whoever writes templates sees no case. 404 NO_SAMPLE when
// no event is told like that.
func (p *Planner) Preview(ctx context.Context, a auth.Actor, key, caseNo, locale string, zh, en *notify.Wording) (*Sample, error) {
	if err := a.Need(auth.PermAdmin, "只有管理员可以预览通知模板"); err != nil {
		return nil, err
	}
	if zh != nil && en != nil {
		if _, err := p.post.CheckWording(key, *zh, *en); err != nil {
			return nil, err
		}
	}
	part := strings.Split(key, ".")
	if len(part) != 3 {
		return nil, fault.NotFound()
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var found *notify.Draft
	err := pgx.BeginTxFunc(ctx, p.db.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		batch, err := p.lately(ctx, tx, a.District, caseNo)
		if err != nil {
			return err
		}
		if err := p.load(ctx, tx, batch); err != nil {
			return err
		}
		for _, h := range batch {
			for i := range h.drafts {
				if d := &h.drafts[i]; d.Event == part[0] && strings.HasPrefix(d.Template, part[0]+"."+part[1]+".") {
					found = d
					return nil
				}
			}
		}
		return fault.New(404, "NO_SAMPLE", "本区最近没有触发这项通知的案件，无法预览；可先在练习模式中办理一件")
	})
	if err != nil {
		if _, ok := fault.As(err); ok {
			return nil, err
		}
		return nil, pg.Fault(err)
	}
	d := *found
	d.Channel, d.Template, d.Locale = part[2], key, locale
	if d.Data["receipt_code"] != "" {
		d.Data["receipt_code"] = "XXXXXXXX"
	}
	if d.Data["link"] == "" {
		d.Data["link"] = p.post.Link("c/" + strings.Repeat("x", 22))
	}
	s := &Sample{CaseNo: d.Data["case_no"]}
	s.Title, s.Text, err = p.post.Preview(ctx, p.db.Pool, d, zh, en)
	return s, err
}

// lately reads the district's last events, newest first, as the outbox would have given them.
func (p *Planner) lately(ctx context.Context, tx pgx.Tx, district, caseNo string) ([]*happening, error) {
	rows, err := tx.Query(ctx, `select e.district, e.case_id, e.seq, to_jsonb(e) from case_event e
		where e.district = $1 and ($2 = '' or e.case_id = (select c.id from cases c where c.district = $1 and c.case_no = $2)) order by e.id desc limit $3`, district, caseNo, previewDepth)
	if err != nil {
		return nil, err
	}
	return happenings(rows)
}

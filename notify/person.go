package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// wishes are what a recipient said about being told, and where else they are reached.
type wishes struct {
	Locale    string   `json:"locale"`
	QuietFrom *int     `json:"quiet_from"`
	QuietTo   *int     `json:"quiet_to"`
	Refused   []string `json:"refused"`
	Muted     bool     `json:"muted"` // this case
	Addresses []struct {
		Channel string `json:"channel"`
		Address []byte `json:"address"` // sealed
	} `json:"addresses"`
}

func (w *wishes) refuses(channel string) bool { return w != nil && slices.Contains(w.Refused, channel) }

// sealed are the addresses of one channel.
func (w *wishes) sealed(channel string) [][]byte {
	var out [][]byte
	if w != nil {
		for _, a := range w.Addresses {
			if a.Channel == channel {
				out = append(out, a.Address)
			}
		}
	}
	return out
}

// listener is one recipient of one case.
type listener struct {
	district, recipient string
	caseID              uuid.UUID
}

func (d *Draft) listener() listener {
	l := listener{district: d.District, recipient: d.Recipient}
	if d.CaseID != nil {
		l.caseID = *d.CaseID
	}
	return l
}

const wishesSQL = `select d.district, d.recipient, d.case_id, jsonb_build_object('locale', coalesce(p.locale, ''), 'quiet_from', p.quiet_from, 'quiet_to', p.quiet_to, 'refused', coalesce(p.refused, '{}'),
	'muted', exists (select from notice_mute m where m.district = d.district and m.case_id = d.case_id and m.recipient = d.recipient),
	'addresses', (select coalesce(jsonb_agg(jsonb_build_object('channel', a.channel, 'address', translate(encode(a.address_enc, 'base64'), E'\n', '')) order by a.created_at, a.id), '[]')
		from notice_address a where a.district = d.district and a.account_id = d.account_id))
from (select distinct * from unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[]) x(district, recipient, account_id, case_id)) d
left join notice_person p on p.district = d.district and p.recipient = d.recipient`

// wishes reads what the recipients of some drafts said, in one query. Only those who said or left something matter.
func (p *Post) wishes(ctx context.Context, tx querier, drafts []Draft) (map[listener]*wishes, error) {
	var districts, recipients []string
	var accounts []*uuid.UUID
	var cases []uuid.UUID
	for i := range drafts {
		d := &drafts[i]
		if d.Event == EventOTP || d.Channel == Webhook || d.Channel == Group {
			continue
		}
		l := d.listener()
		districts, recipients, accounts, cases = append(districts, l.district), append(recipients, l.recipient), append(accounts, d.AccountID), append(cases, l.caseID)
	}
	out := map[listener]*wishes{}
	if len(districts) == 0 {
		return out, nil
	}
	rows, err := tx.Query(ctx, wishesSQL, districts, recipients, accounts, cases)
	if err != nil {
		return nil, fmt.Errorf("wishes: %w", err)
	}
	var l listener
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&l.district, &l.recipient, &l.caseID, &raw}, func() error {
		w := &wishes{}
		out[l] = w
		return json.Unmarshal(raw, w)
	})
	return out, err
}

// group is a unit's chat group.
type group struct {
	id, unit string
}

// groups finds the chat groups of the units that some drafts are for.
func (p *Post) groups(ctx context.Context, tx querier, drafts []Draft) (map[[2]string][]group, error) {
	var districts, units []string
	for i := range drafts {
		if d := &drafts[i]; d.Channel == Group {
			districts, units = append(districts, d.District), append(units, d.Unit)
		}
	}
	out := map[[2]string][]group{}
	if len(districts) == 0 {
		return out, nil
	}
	rows, err := tx.Query(ctx, `select g.district, g.unit, g.id::text from notice_group g join (select distinct * from unnest($1::text[], $2::text[]) x(district, unit)) d
		on d.district = g.district and d.unit = g.unit where g.active order by g.id`, districts, units)
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	var district string
	var g group
	_, err = pgx.ForEachRow(rows, []any{&district, &g.unit, &g.id}, func() error {
		k := [2]string{district, g.unit}
		out[k] = append(out[k], g)
		return nil
	})
	return out, err
}

// hook is a webhook that is told of the cases of a partner, or of all.
type hook struct {
	district, id string
	partner      *uuid.UUID
}

// hooks finds the webhooks that some drafts may be for; a host that is off the district's list is told nothing.
func (p *Post) hooks(ctx context.Context, tx querier, drafts []Draft) ([]hook, error) {
	var districts []string
	for i := range drafts {
		if d := &drafts[i]; d.Channel == Webhook && !slices.Contains(districts, d.District) {
			districts = append(districts, d.District)
		}
	}
	if len(districts) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, "select w.district, w.id::text, w.partner_id from webhook w join notice_setting s on s.district = w.district where w.district = any($1) and w.active and w.host = any(s.webhook_hosts) order by w.id", districts)
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h hook, err error) {
		err = row.Scan(&h.district, &h.id, &h.partner)
		return h, err
	})
}

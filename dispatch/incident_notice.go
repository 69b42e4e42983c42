package dispatch

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/notify"
)

// neighboursSQL reads the residents whom an incident may be told to (domain 4e "notice by grid"): who has an open report in
// one of its grids and did not ask to be left alone. $2 are prefixes of grid codes with "%".
const neighboursSQL = `select r.account_id, coalesce(a.kind, ''), v.id, v.phone_enc, a.phone_enc
from cases c join report r on r.district = c.district and r.case_id = c.id
left join reporter_vault v on v.district = r.district and v.id = r.reporter_id left join account a on a.district = r.district and a.id = r.account_id
where c.district = $1 and c.state = any($3) and c.grid_code like any($2) and not r.no_contact order by r.received_at, r.id`

// toldSQL reads who was told of an incident's beginning ($2 the event id of its notice): they are told of its end.
const toldSQL = `select distinct on (m.recipient) m.account_id, 'RESIDENT', null::uuid, null::bytea, null::bytea from message m
where m.district = $1 and m.event_id = $2 and m.event = 'incident_notice' and m.channel = 'APP' order by m.recipient`

// neighbours are the messages to residents about an act on an incident: its beginning by inbox and SMS to those who wait for
// something there, its end by inbox to those who were told of the beginning. Nobody else is disturbed; a notice to
// everybody in an area is the official announcement's, not this one's.
func (p *Planner) neighbours(ctx context.Context, tx pgx.Tx, w *World, i *Incident, act string, id uuid.UUID, reach []string) ([]notify.Draft, error) {
	event, channels := "incident_notice", []string{notify.App, notify.SMS}
	sql, args := neighboursSQL, []any{i.District}
	switch act {
	case "declare":
		states := make([]string, len(Active))
		for n, s := range Active {
			states[n] = string(s)
		}
		prefixes := make([]string, len(reach))
		for n, code := range reach {
			prefixes[n] = code + "%"
		}
		args = append(args, prefixes, states)
	case "stand_down":
		event, channels, sql = "incident_over", channels[:1], toldSQL
		args = append(args, incidentAct(i.ID, 1))
	default:
		return nil, nil
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	values := map[string]string{"incident": i.Name, "place": w.areaNames(i)}
	told := map[string]bool{}
	var out []notify.Draft
	var r reporter
	_, err = pgx.ForEachRow(rows, []any{&r.Account, &r.AccountKind, &r.Vault, &r.VaultPhone, &r.AccountPhone}, func() error {
		who := r
		r = reporter{}
		sealed := who.VaultPhone
		var recipient string
		switch {
		case who.AccountKind == string(auth.Resident):
			recipient = who.Account.String()
			if len(sealed) == 0 {
				sealed = who.AccountPhone
			}
		case who.Vault != nil:
			recipient, who.Account = who.Vault.String(), nil
		default:
			return nil // staff are told as staff; nobody else left a way to be told
		}
		phone, _ := p.keys.Open(i.District, auth.FieldPhone, sealed)
		for _, channel := range channels {
			address := phone
			if channel == notify.App {
				address = recipient
			}
			if address == "" || channel == notify.App && who.Account == nil || told[channel+address] {
				continue
			}
			told[channel+address] = true
			d := notify.Draft{District: i.District, EventID: id, Event: event, Template: notify.Key(event, "resident", channel), Recipient: recipient, AccountID: who.Account, Channel: channel, Data: values, Drill: i.Drill}
			if channel != notify.App {
				d.To = phone
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// areaNames names the places of an incident for a message, three at most: "东街街道、温泉街道等".
func (w *World) areaNames(i *Incident) string {
	const most = 3
	var names []string
	for _, code := range i.Areas {
		if area, ok := w.Index.ByCode(code); ok {
			names = append(names, area.Name)
		}
	}
	switch {
	case len(names) == 0:
		return "本区部分区域"
	case len(names) > most:
		return strings.Join(names[:most], "、") + "等"
	}
	return strings.Join(names, "、")
}

package notify

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// residents are the audiences with quiet hours by default; everybody else is told as part of their work.
var residents = []string{"reporter", "follower", "resident"}

// ringing are the channels that make a noise.
var ringing = []string{SMS, Voice, WeChat, Push}

func (d *Draft) audience() string {
	part := strings.SplitN(d.Template, ".", 3)
	if len(part) < 3 {
		return ""
	}
	return part[1]
}

func (d *Draft) resident() bool { return slices.Contains(residents, d.audience()) }

// expand turns what the planner wants to tell into what is told: rows that the district switched off, channels that the
// person refused and cases that a resident silenced fall away; a push goes beside the inbox to every browser that asked
// for it; who has WeChat gets no text message besides; a unit's group hears instead of each of its members; and what may
// not ring at night waits for the morning.
func (p *Post) expand(ctx context.Context, tx pgx.Tx, drafts []Draft) ([]Draft, map[string]*Policy, error) {
	var districts []string
	for i := range drafts {
		if !slices.Contains(districts, drafts[i].District) {
			districts = append(districts, drafts[i].District)
		}
	}
	pols, now, err := p.Policies(ctx, tx, districts...)
	if err != nil {
		return nil, nil, err
	}
	said, err := p.wishes(ctx, tx, drafts)
	if err != nil {
		return nil, nil, err
	}
	groups, err := p.groups(ctx, tx, drafts)
	if err != nil {
		return nil, nil, err
	}
	hooks, err := p.hooks(ctx, tx, drafts)
	if err != nil {
		return nil, nil, err
	}
	out := make([]Draft, 0, len(drafts)+len(drafts)/4)
	for _, d := range drafts {
		switch {
		case d.Event == EventOTP:
			out = append(out, d)
			continue
		case d.Channel == Webhook: // its account is the partner whose cases it is told of
			for _, h := range hooks {
				if h.district == d.District && (h.partner == nil) == (d.AccountID == nil) && (h.partner == nil || *h.partner == *d.AccountID) {
					one := d
					one.Recipient, one.AccountID = h.id, nil
					out = append(out, one)
				}
			}
			continue
		}
		pol, w := pols[d.District], said[d.listener()]
		if pol.off(d.Event, d.audience(), d.Channel) {
			continue
		}
		if w != nil && d.Locale == "" {
			d.Locale = w.Locale
		}
		out = append(out, p.address(&d, pol, w, groups, now)...)
	}
	return out, pols, nil
}

// address gives a draft its address by the channel's nature; it may become none or several.
func (p *Post) address(d *Draft, pol *Policy, w *wishes, groups map[[2]string][]group, now time.Time) []Draft {
	switch d.Channel {
	case App:
		out := []Draft{*d}
		if subs := w.sealed(Push); len(subs) > 0 && !d.unwanted(w, Push) {
			push := *d
			push.Channel = Push
			push.sealed = subs
			push.later(pol, w, now)
			out = append(out, push)
		}
		return out
	case WeChat, Email:
		at := w.sealed(d.Channel)
		if len(at) == 0 || d.unwanted(w, d.Channel) {
			return nil
		}
		d.sealed = at[len(at)-1:]
	case Group:
		var out []Draft
		for _, g := range groups[[2]string{d.District, d.Unit}] {
			one := *d
			one.Recipient, one.AccountID, one.To = g.id, nil, g.id
			out = append(out, one)
		}
		return out
	case SMS:
		if d.unwanted(w, SMS) || len(w.sealed(WeChat)) > 0 && !d.unwanted(w, WeChat) && pol.on(d.Event, d.audience(), WeChat) {
			return nil
		}
	default:
		if d.unwanted(w, d.Channel) {
			return nil
		}
	}
	d.later(pol, w, now)
	return []Draft{*d}
}

// unwanted says that a person does not want to hear of it by a channel. A duty is not a matter of wishes.
func (d *Draft) unwanted(w *wishes, channel string) bool {
	if d.resident() {
		return w.refuses(channel) || w != nil && w.Muted
	}
	return !d.Urgent && w.refuses(channel)
}

// later moves what would ring in somebody's quiet hours to their end.
func (d *Draft) later(pol *Policy, w *wishes, now time.Time) {
	if d.Urgent || !slices.Contains(ringing, d.Channel) {
		return
	}
	quiet := Window{}
	if d.resident() {
		quiet = pol.Quiet
	}
	if w != nil && w.QuietFrom != nil && w.QuietTo != nil {
		quiet = Window{*w.QuietFrom, *w.QuietTo}
	}
	at := d.DueAt
	if at.IsZero() {
		at = now
	}
	if end, in := quiet.until(at); in {
		d.DueAt = end
	}
}

// bundle seals several addresses of one channel as one: a browser's subscriptions are told together.
func (p *Post) bundle(d *Draft) ([]byte, error) {
	field := fieldAddress
	if d.Channel != Push {
		plain, err := p.c.Keys.Open(d.District, field, d.sealed[0])
		if err != nil {
			return nil, err
		}
		return p.c.Keys.Seal(d.District, fieldTo, plain)
	}
	var list []json.RawMessage
	for _, s := range d.sealed {
		plain, err := p.c.Keys.Open(d.District, field, s)
		if err != nil {
			return nil, err
		}
		list = append(list, json.RawMessage(plain))
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	return p.c.Keys.Seal(d.District, fieldTo, string(raw))
}

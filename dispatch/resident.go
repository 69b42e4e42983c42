package dispatch

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// Tracked is a report with its case as the reporter may see it. No other person's data is in it.
type Tracked struct {
	Report    Report      `json:"report"`
	Case      Case        `json:"case"`
	Events    []Event     `json:"events"`
	Results   []Result    `json:"results"`
	Ratings   []Rating    `json:"ratings"`
	Added     []string    `json:"added"` // photos added later
	PhoneEnc  Bytes       `json:"phone_enc"`
	RatingDue *time.Time  `json:"rating_due"`
	LastUrge  *time.Time  `json:"last_urge"`
	Followers []uuid.UUID `json:"followers"`
	Reply     string      `json:"reply"` // the last written answer to the reporter
	Now       time.Time   `json:"now"`

	World *World `json:"-"`
	Track string `json:"-"`
}

const trackedSQL = `select jsonb_build_object('report', to_jsonb(r), 'case', to_jsonb(c),
 'events', (select coalesce(jsonb_agg(to_jsonb(e) order by e.seq), '[]') from case_event e where e.district = c.district and e.case_id = c.id),
 'results', (select coalesce(jsonb_agg(to_jsonb(x) order by x.at), '[]') from case_result x where x.district = c.district and x.case_id = c.id),
 'ratings', (select coalesce(jsonb_agg(to_jsonb(x) order by x.rated_at), '[]') from rating x where x.district = c.district and x.report_id = r.id),
 'phone_enc', (select v.phone_enc from reporter_vault v where v.district = r.district and v.id = r.reporter_id),
 'rating_due', (select k.due_at from sla_clock k where k.district = c.district and k.case_id = c.id and k.kind = 'RATING' and k.state = 'RUNNING'),
 'last_urge', (select max(e.at) from case_event e where e.district = c.district and e.case_id = c.id and e.action = 'urge'),
 'followers', (select coalesce(jsonb_agg(x.account_id), '[]') from case_follower x where x.district = c.district and x.case_id = c.id),
 'reply', (select t.text from case_text t join case_event e on e.district = t.district and e.case_id = t.case_id and e.seq = t.seq
   where t.district = c.district and t.case_id = c.id and (e.action, t.field) in (('reject','reply'), ('decline','reason')) order by t.seq desc limit 1),
 'now', yx_now()), r.received_at::text from report r join cases c on c.district = r.district and c.id = r.case_id `

// TrackByCode finds a report by receipt code and the last four digits of the phone, by link token alone, or by
// receipt code alone for the signed-in reporter. Everything else is the same 404.
func (k *Desk) TrackByCode(ctx context.Context, a auth.Actor, code, phoneTail string) (*Tracked, error) {
	key, isReceipt := seal.NormalizeReceipt(code)
	isToken := !isReceipt
	if isToken {
		key = directoryKey(code)
	}
	var district string
	var reportID uuid.UUID
	err := k.db.Pool.QueryRow(ctx, "select district, report_id from receipt_directory where key = $1", key).Scan(&district, &reportID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, pg.Fault(err)
	}
	var raw []byte
	var at string
	// A code that does not exist costs the same two trips as one whose number is wrong: time tells nothing.
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, district), trackedSQL+"where r.district = $1 and r.id = $2", district, reportID).Scan(&raw, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	t, err := k.tracked(district, raw)
	if err != nil {
		return nil, err
	}
	mine := a.Kind == auth.Resident && a.District == district && t.Report.AccountID != nil && *t.Report.AccountID == a.Account
	if isToken || mine || k.tailMatches(district, t.PhoneEnc, phoneTail) {
		return t, nil
	}
	return nil, fault.NotFound()
}

func (k *Desk) tailMatches(district string, sealed Bytes, tail string) bool {
	phone, err := k.keys.Open(district, "phone", sealed)
	if err != nil || len(phone) < 4 || len(tail) != 4 {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(phone[len(phone)-4:]), []byte(tail)) == 1
}

func (k *Desk) tracked(district string, raw []byte) (*Tracked, error) {
	var t Tracked
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, err
	}
	t.World = k.worlds.Get(district)
	if t.World == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + district))
	}
	t.Track = trackToken(k.keys, district, t.Report.ReceiptCode)
	return &t, nil
}

// MyReports is a page of the signed-in resident's own reports, newest first.
func (k *Desk) MyReports(ctx context.Context, a auth.Actor, limit int, cursor string) ([]*Tracked, string, error) {
	if limit < 1 || limit > 200 {
		limit = 50
	}
	at, id := "infinity", uuid.Max
	if cursor != "" {
		var err error
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), trackedSQL+`where r.district = $1 and r.account_id = $2 and (r.received_at, r.id) < ($3::timestamptz, $4::uuid) order by r.received_at desc, r.id desc limit $5`,
		a.District, a.Account, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out, next := []*Tracked{}, ""
	for rows.Next() {
		var raw []byte
		var rowAt string
		if err := rows.Scan(&raw, &rowAt); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(out) == limit {
			next = writeCursor(at, out[limit-1].Report.ID)
			break
		}
		at = rowAt
		t, err := k.tracked(a.District, raw)
		if err != nil {
			return nil, "", err
		}
		out = append(out, t)
	}
	return out, next, pg.Fault(rows.Err())
}

// Can lists what the reporter may do now.
func (t *Tracked) Can() []string {
	out := []string{}
	if slices.Contains(Active, t.Case.State) {
		out = append(out, "add")
		if t.LastUrge == nil || !t.Now.Before(t.LastUrge.Add(24*time.Hour)) {
			out = append(out, "urge")
		}
	}
	if slices.Contains([]State{Submitted, Verifying, Filed, Dispatched}, t.Case.State) && t.Case.ReporterCount == 1 {
		out = append(out, "withdraw")
	}
	if t.Case.State == Rejected && !t.Case.Appealed && t.Case.RejectedAt != nil && !t.Now.After(t.Case.RejectedAt.AddDate(0, 0, 7)) {
		out = append(out, "appeal")
	}
	rated := slices.ContainsFunc(t.Ratings, func(r Rating) bool { return r.Round == t.Case.Round })
	staff := !t.Report.OnBehalf && (t.Report.Source == "STAFF" || t.Report.Source == "GRID_WORKER")
	if t.Case.State == Closed && !rated && !staff && !t.Case.SelfHandled && !t.Case.Drill && !t.Report.Anonymous && t.RatingDue != nil && !t.Now.After(*t.RatingDue) {
		out = append(out, "rate")
	}
	return out
}

// MayFollow reports whether the actor is a signed-in resident who knows somebody else's report and does not follow it yet.
func (t *Tracked) MayFollow(a auth.Actor) bool {
	return a.Kind == auth.Resident && a.District == t.Case.District && slices.Contains(Active, t.Case.State) && (t.Report.AccountID == nil || *t.Report.AccountID != a.Account) && !slices.Contains(t.Followers, a.Account)
}

// reporterVerbs are the actions of POST /reports/{code}/{verb}.
var reporterVerbs = []Action{ActAdd, ActUrge, ActRate, ActWithdraw, ActAppeal, ActFollow}

// ReporterAction maps a verb of the resident's API to an action.
func ReporterAction(verb string) (Action, bool) {
	return Action(verb), slices.Contains(reporterVerbs, Action(verb))
}

// WrittenAnswer is the office's last written answer while it stands: an appeal or a reopening takes it back.
func (t *Tracked) WrittenAnswer() string {
	if slices.Contains([]State{Rejected, Closed, Archived}, t.Case.State) {
		return t.Reply
	}
	return ""
}

package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/notify"
)

// caseView is what telling needs to know of a case, as it stands now.
type caseView struct {
	Case     Case         `json:"case"`
	Leads    []Assignment `json:"leads"`
	Targets  []CallTarget `json:"targets"`
	Clocks   []Clock      `json:"clocks"`
	Requests []Request    `json:"requests"`
	Parties  []string     `json:"parties"`
	Reports  []reporter   `json:"reports"`

	Followers []uuid.UUID  `json:"followers"`
	Planned   []plannedFor `json:"planned"`
}

// reporter is where a report's reporter is reached. Account is the submitting account, which is not the reporter's
// own when staff reported for somebody.
type reporter struct {
	ID           uuid.UUID  `json:"id"`
	Receipt      string     `json:"receipt"`
	Account      *uuid.UUID `json:"account"`
	AccountKind  string     `json:"account_kind"`
	Vault        *uuid.UUID `json:"vault"`
	Source       string     `json:"source"`
	OnBehalf     bool       `json:"on_behalf"`
	External     string     `json:"external_ref"`
	Anonymous    bool       `json:"anonymous"`
	VaultPhone   Bytes      `json:"vault_phone"`
	AccountPhone Bytes      `json:"account_phone"`
}

// plannedFor is an earlier event that may have messages waiting: a call, or a check-in that is overdue.
type plannedFor struct {
	Event uuid.UUID `json:"event"`
	Fact  string    `json:"fact"`
}

// member is one role binding of an account of the staff.
type member struct {
	ID       uuid.UUID
	PhoneEnc []byte
	Role     auth.Role
	Unit     string
	Grids    []string
	Rostered bool // stands on the duty roster of the unit
}

// roster is the staff of one district that a batch may have to tell, by unit and by role, and who of a unit is on duty when.
type roster struct {
	byUnit map[string][]member
	byRole map[auth.Role][]member
	duties map[string][]grid.Duty
	now    time.Time
}

func (p *Planner) read(ctx context.Context, tx pgx.Tx) ([]*happening, error) {
	// Each event by its key, whatever the statistics say of a queue that is empty one moment and full the next.
	rows, err := tx.Query(ctx, `select o.district, o.case_id, o.seq, e.event from (select * from outbox order by district, case_id, seq limit $1) o
		cross join lateral (select to_jsonb(x) as event from case_event x where x.district = o.district and x.case_id = o.case_id and x.seq = o.seq limit 1) e
		order by o.district, o.case_id, o.seq`, plannerBatch)
	if err != nil {
		return nil, err
	}
	return happenings(rows)
}

// happenings reads rows of district, case, seq and event. An event that cannot be read fails by itself.
func happenings(rows pgx.Rows) ([]*happening, error) {
	defer rows.Close()
	var batch []*happening
	for rows.Next() {
		h := &happening{}
		var raw []byte
		if err := rows.Scan(&h.district, &h.caseID, &h.seq, &raw); err != nil {
			return nil, err
		}
		var f Fact
		h.failed = errors.Join(json.Unmarshal(raw, &h.event), json.Unmarshal([]byte(h.event.Fact), &f))
		if h.failed == nil {
			h.failed = json.Unmarshal(f.Data, &h.data)
		}
		batch = append(batch, h)
	}
	return batch, rows.Err()
}

// overtaking are the actions after which something planned for later need not be said any more.
var overtaking = map[Action]bool{ActAck: true, ActCheckIn: true, ActWithdrawCall: true, ActResolve: true, ActCheckPass: true, ActDispute: true, ActArbitrate: true, ActApprove: true,
	ActSign: true, ActReturn: true, ActVoid: true, ActWithdraw: true, ActMerge: true}

const viewSQL = `select c.district, c.id, jsonb_build_object('case', to_jsonb(c),
 'leads', (select coalesce(jsonb_agg(to_jsonb(x)), '[]') from assignment x where x.district = c.district and x.case_id = c.id and x.kind = 'LEAD' and x.state in ('OPEN','SIGNED','RESOLVED')),
 'targets', (select coalesce(jsonb_agg(to_jsonb(x) order by x.is_lead desc, x.unit), '[]') from call_target x where x.district = c.district and x.case_id = c.id),
 'clocks', (select coalesce(jsonb_agg(to_jsonb(x)), '[]') from sla_clock x where x.district = c.district and x.case_id = c.id),
 'requests', (select coalesce(jsonb_agg(to_jsonb(x)), '[]') from case_request x where x.district = c.district and x.case_id = c.id),
 'parties', (select coalesce(jsonb_agg(x.unit order by x.unit), '[]') from case_party x where x.district = c.district and x.case_id = c.id),
 'followers', (select coalesce(jsonb_agg(x.account_id order by x.followed_at), '[]') from case_follower x where x.district = c.district and x.case_id = c.id),
 'reports', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'receipt', r.receipt_code, 'account', r.account_id, 'account_kind', coalesce(a.kind, ''), 'vault', v.id,
    'source', r.source, 'on_behalf', r.on_behalf, 'external_ref', coalesce(r.external_ref, ''), 'anonymous', r.anonymous, 'vault_phone', v.phone_enc, 'account_phone', a.phone_enc) order by r.received_at, r.id), '[]')
    from report r left join reporter_vault v on v.district = r.district and v.id = r.reporter_id left join account a on a.district = r.district and a.id = r.account_id
    where r.district = c.district and r.case_id = c.id),
 'planned', case when k.overtakes then (select jsonb_agg(jsonb_build_object('event', e.id, 'fact', e.fact)) from case_event e where e.district = c.district and e.case_id = c.id
    and (e.action in ('call', 'dispatch') or (e.action = 'clock_due' and e.fact like '%"kind":"CHECKIN","level":100%'))) end)
from unnest($1::text[], $2::uuid[], $3::bool[]) k(district, id, overtakes) join cases c on c.district = k.district and c.id = k.id`

const rosterSQL = `select b.district, a.id, a.phone_enc, b.role, b.unit, b.grids, exists (select from duty_shift s where s.district = b.district and s.unit = b.unit and s.account_id = a.id) from role_binding b join account a on a.district = b.district and a.id = b.account_id
where b.district = any($1) and a.disabled_at is null and (b.unit = any($2) or b.role in ('DISPATCHER','SUPERVISOR','ARBITRATOR','CALLBACK','AUDITOR') or (b.role = 'GRID_WORKER' and b.grids && $3))
order by b.district, a.created_at, a.id`

// load reads cases and staff of a batch in two queries and plans each event's messages. An event that cannot be
// planned fails by itself.
func (p *Planner) load(ctx context.Context, tx pgx.Tx, batch []*happening) error {
	type key struct {
		district string
		id       uuid.UUID
	}
	views := map[key]*caseView{}
	var districts []string
	var ids []uuid.UUID
	var overtakes []bool
	place := map[key]int{}
	for _, h := range batch {
		k := key{h.district, h.caseID}
		i, seen := place[k]
		if !seen {
			i = len(ids)
			place[k] = i
			districts, ids, overtakes = append(districts, h.district), append(ids, h.caseID), append(overtakes, false)
		}
		overtakes[i] = overtakes[i] || overtaking[h.event.Action]
	}
	rows, err := tx.Query(ctx, viewSQL, districts, ids, overtakes)
	if err != nil {
		return err
	}
	var k key
	var raw []byte
	if _, err := pgx.ForEachRow(rows, []any{&k.district, &k.id, &raw}, func() error {
		v := &caseView{}
		if err := json.Unmarshal(raw, v); err != nil {
			p.log.ErrorContext(ctx, "case cannot be read", "case_id", k.id.String(), "reason", err.Error())
			return nil // its events fail below, one by one
		}
		views[k] = v
		return nil
	}); err != nil {
		return err
	}
	staff, err := p.roster(ctx, tx, batch, func(h *happening) *caseView { return views[key{h.district, h.caseID}] })
	if err != nil {
		return err
	}
	pols, _, err := p.post.Policies(ctx, tx, slices.Compact(slices.Sorted(slices.Values(districts)))...)
	if err != nil {
		return err
	}
	for _, h := range batch {
		h.view = views[key{h.district, h.caseID}]
		if h.failed == nil {
			h.failed = p.plan(h, staff[h.district], pols[h.district])
		}
	}
	return nil
}

// roster reads the staff whom the batch may concern: the units named by cases and facts, the workers of their grids,
// dispatchers, supervisors and arbitrators.
func (p *Planner) roster(ctx context.Context, tx pgx.Tx, batch []*happening, view func(*happening) *caseView) (map[string]*roster, error) {
	districts, units, grids := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, h := range batch {
		districts[h.district] = true
		lead, _ := h.data.Lead.(string)
		for _, u := range slices.Concat([]string{h.event.Unit, h.data.Unit, h.data.CheckUnit, h.data.Interim, h.data.Caller, lead}, h.data.Targets, h.data.Tasks) {
			units[u] = true
		}
		if v := view(h); v != nil {
			grids[v.Case.GridCode] = true
			for _, u := range append([]string{v.Case.OwnerUnit, v.Case.LeadUnit}, v.Parties...) {
				units[u] = true
			}
		}
	}
	delete(units, "")
	rows, err := tx.Query(ctx, rosterSQL, keysOf(districts), keysOf(units), keysOf(grids))
	if err != nil {
		return nil, err
	}
	out := map[string]*roster{}
	for d := range districts {
		out[d] = &roster{byUnit: map[string][]member{}, byRole: map[auth.Role][]member{}, duties: map[string][]grid.Duty{}}
	}
	var district string
	var m member
	_, err = pgx.ForEachRow(rows, []any{&district, &m.ID, &m.PhoneEnc, &m.Role, &m.Unit, &m.Grids, &m.Rostered}, func() error {
		r := out[district]
		r.byUnit[m.Unit] = append(r.byUnit[m.Unit], m)
		r.byRole[m.Role] = append(r.byRole[m.Role], m)
		m.PhoneEnc, m.Grids = nil, nil // the next row gets slices of its own
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, p.duties(ctx, tx, batch, out, keysOf(districts), keysOf(units))
}

func keysOf(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}

// plan decides whom one event is told to. A panic is this event's failure and nobody else's.
func (p *Planner) plan(h *happening, staff *roster, pol *notify.Policy) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("planning panicked (%T)", r)
		}
	}()
	w := p.desk.worlds.Get(h.district)
	if w == nil {
		return errors.New("no configuration of the district")
	}
	if h.view == nil {
		return errors.New("the case cannot be read")
	}
	t := &teller{w: w, h: h, v: h.view, staff: staff, pol: pol, keys: p.keys, link: p.post.Link, told: map[[2]string]bool{}}
	t.tell()
	h.drafts, h.cancels = t.drafts, t.cancels
	return nil
}

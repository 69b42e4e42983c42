package dispatch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Row is one line of a list of cases.
type Row struct {
	Case
	Thumb   string      `json:"thumb"`   // id of the first report's first photo
	Mine    *CallTarget `json:"mine"`    // the open call target of the actor's unit
	Handled bool        `json:"handled"` // the actor handled in this round
	Ask     string      `json:"ask"`     // kind of a pending request

	Order    bool `json:"order"`    // the actor's unit owes a reply
	Callback bool `json:"callback"` // a reporter is to be called
	Spot     bool `json:"spot"`     // drawn for a check by the district

	Assist *time.Time `json:"assist"` // when the task of the actor's unit beside the lead is due

	Given *Given `json:"given"` // of tasks: to whom the actor's unit gave it
}

// Given is the person to whom a unit gave its duty.
type Given struct {
	Account uuid.UUID `json:"id"`
	Name    string    `json:"name"`
}

// Filter narrows a list; empty members do not.
type Filter struct {
	States                     []string
	Unit, Grid, Street, Matter string
	Light, Priority, Words     string
	Incident                   *uuid.UUID
	Held                       bool   // only reports of a flood that still wait for a dispatcher
	Ask                        string // callback: a reporter is to be called now; objection: a unit's dispute or a resident's appeal waits for a decision
	Sort                       string // due (default), newest, updated
	Limit                      int
	Cursor                     string
	tasks                      bool
	walked                     bool // asks the scope of each case even where lanes hold it: tests compare the two
}

// Page is one page of a list. Now is the instant the page was read.
type Page struct {
	Rows []Row
	Next string
	Now  time.Time
}

type sortKey struct{ expr, dir, cmp string }

var sorts = map[string]sortKey{
	"due":     {dueKey, "asc", ">"},
	"newest":  {"c.created_at", "desc", "<"},
	"updated": {"c.updated_at", "desc", "<"},
}

// List is one page of the cases in the actor's scope, in one query.
func (k *Desk) List(ctx context.Context, a auth.Actor, f Filter) (*Page, error) {
	conds, args := []string{"c.district = $1"}, []any{a.District}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	key, ok := sorts[f.Sort]
	if !ok {
		key = sorts["due"]
	}
	if len(f.States) > 0 {
		conds = append(conds, "c.state = any("+arg(f.States)+")")
	}
	for col, v := range map[string]string{"c.grid_code": f.Grid, "c.street_code": f.Street, "c.matter": f.Matter, "c.priority": f.Priority} {
		if v != "" {
			conds = append(conds, col+" = "+arg(v))
		}
	}
	if f.Held {
		conds = append(conds, "c.held <> '' and c.state = 'SUBMITTED'")
	}
	if f.Incident != nil {
		conds = append(conds, "c.incident_id = "+arg(*f.Incident))
	}
	if f.Unit != "" {
		u := arg(f.Unit)
		conds = append(conds, "(c.lead_unit = "+u+" or c.owner_unit = "+u+" or exists (select 1 from case_party p where p.district = c.district and p.case_id = c.id and p.unit = "+u+"))")
	}
	switch f.Light {
	case "red":
		conds = append(conds, "c.due_at < yx_now()")
	case "yellow":
		conds = append(conds, "c.yellow_at <= yx_now() and c.due_at >= yx_now()")
	case "green":
		conds = append(conds, "(c.yellow_at is null or c.yellow_at > yx_now())")
	}
	if f.Words != "" {
		like := arg("%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(f.Words) + "%")
		conds = append(conds, "(c.case_no like "+like+" or c.address like "+like+" or exists (select 1 from report r where r.district = c.district and r.case_id = c.id and r.text like "+like+"))")
	}
	units, me := arg(a.Units()), arg(a.Account)
	mine := "(select to_jsonb(t) from call_target t join call k on k.district = t.district and k.id = t.call_id where t.district = c.district and t.case_id = c.id and k.state in ('OPEN','ONSITE') and not t.withdrawn and t.checked_in_at is null and t.unit = any(" + units + ") limit 1)"
	handled := "exists (select 1 from case_handler h where h.district = c.district and h.case_id = c.id and h.round = c.round and h.account_id = " + me + ")"
	ask := "coalesce((select q.kind from case_request q where q.district = c.district and q.case_id = c.id and q.state = 'PENDING' and q.kind in ('REOPEN','SUSPEND','EXTEND','CALL') order by q.created_at limit 1), '')"
	order := "exists (select 1 from case_request q where q.district = c.district and q.case_id = c.id and q.state = 'PENDING' and q.kind in ('SUPERVISE','INTERIM') and q.unit = any(" + units + "))"
	callback := "(c.state = 'CLOSED' and exists (select 1 from sla_clock k where k.district = c.district and k.case_id = c.id and k.kind = 'CALLBACK' and k.state = 'RUNNING' and k.due_at <= yx_now()))"
	spot := "(c.state = 'CLOSED' and exists (select 1 from case_request q where q.district = c.district and q.case_id = c.id and q.state = 'PENDING' and q.kind = 'SPOT'))"
	assist := "(select min(x.due_at) from assignment x where x.district = c.district and x.case_id = c.id and x.kind = 'ASSIST' and x.state in ('OPEN','SIGNED') and x.unit = any(" + units + ") and c.state in ('DISPATCHED','HANDLING','CALLING','ONSITE'))"
	switch f.Ask {
	case "callback":
		conds = append(conds, callback)
	case "objection":
		conds = append(conds, "(c.state = 'DISPUTED' or exists (select 1 from case_request q where q.district = c.district and q.case_id = c.id and q.state = 'PENDING' and q.kind = 'REOPEN'))", atWork)
	}
	if f.tasks {
		conds = append(conds, atWork)
	}
	scope := func() string {
		sc, more := scopeBy(a, len(args)+1, pageParty(a))
		args = append(args, more...)
		return sc
	}
	q := tasksSQL{units, mine, handled, ask, callback, spot, assist}
	whole := func() lane { // the cases asked for, one by one in the district's order
		if f.tasks {
			return caseLane(key.expr, scope(), taskCondition(a, arg, q))
		}
		return caseLane(key.expr, scope())
	}
	var from []lane
	switch {
	case f.walked || key.expr != dueKey || !claimsOf(a).inLanes():
		from = []lane{whole()}
	case f.tasks:
		from = taskLanes(a, arg, q, scope())
	default:
		from = lanes(a, arg)
	}
	given := "null"
	if f.tasks && len(a.Units()) > 0 {
		given = "(select jsonb_build_object('id', w.id, 'name', w.display_name) from assignment x join account w on w.district = x.district and w.id = x.handler where x.district = c.district and x.case_id = c.id and x.state in ('OPEN','SIGNED') and x.unit = any(" + units + ") order by x.kind = 'LEAD' desc limit 1)"
	}
	cursor, amongOwn := f.Cursor, false
	if f.tasks {
		cursor, amongOwn = strings.CutPrefix(f.Cursor, ownFirst)
	}
	after := ""
	if cursor != "" {
		at, id, err := readCursor(cursor)
		if err != nil {
			return nil, err
		}
		after = fmt.Sprintf("(%s::timestamptz, %s::uuid)", arg(at), arg(id))
	}
	if f.Limit < 1 || f.Limit > 200 {
		f.Limit = 50
	}
	var parts []string
	pick := func(rank int, l lane, after string, more ...string) {
		all := slices.Concat(conds, l.conds, more)
		if after != "" {
			all = append(all, fmt.Sprintf("(%s, %s) %s %s", l.key, l.id, key.cmp, after))
		}
		parts = append(parts, fmt.Sprintf("(select %d as rank, %s as at, c.id from %s where %s order by %s %s, %s %s limit %d)",
			rank, key.expr, l.from, strings.Join(all, " and "), l.key, key.dir, l.id, key.dir, f.Limit+1))
	}
	rest := []string{}
	if given != "null" { // what was given to the actor comes first; the rest keeps the order of its index
		own := "c.id = any(array(select x.case_id from assignment x where x.district = $1 and x.handler = " + me + " and x.state in ('OPEN','SIGNED')))"
		rest = append(rest, "not "+own)
		if amongOwn || cursor == "" {
			pick(0, whole(), after, own)
		}
	}
	if amongOwn {
		after = ""
	}
	for _, l := range from {
		pick(1, l, after, rest...)
	}
	sql := fmt.Sprintf(`select to_jsonb(c) || jsonb_build_object('thumb', coalesce((select r.media[1] from report r where r.district = c.district and r.case_id = c.id order by r.received_at limit 1), ''), 'mine', %s, 'handled', %s, 'ask', %s, 'order', %s, 'callback', %s, 'spot', %s, 'assist', %s, 'given', %s) as row, page.at::text, yx_now(), page.rank
		from (select * from (%s) p order by rank, at %s, id %s limit %d) page join cases c on c.district = $1 and c.id = page.id order by page.rank, page.at %s, page.id %s`,
		mine, handled, ask, order, callback, spot, assist, given, strings.Join(parts, " union "), key.dir, key.dir, f.Limit+1, key.dir, key.dir)
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), sql, args...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	page := &Page{Rows: []Row{}}
	var last string
	var ranked int
	for rows.Next() {
		var raw []byte
		var r Row
		var at string
		var rank int
		if err := rows.Scan(&raw, &at, &page.Now, &rank); err != nil {
			return nil, pg.Fault(err)
		}
		if len(page.Rows) == f.Limit {
			page.Next = writeCursor(last, page.Rows[f.Limit-1].ID)
			if ranked == 0 {
				page.Next = ownFirst + page.Next
			}
			break
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		last, ranked = at, rank
		page.Rows = append(page.Rows, r)
	}
	return page, pg.Fault(rows.Err())
}

// ownFirst begins the cursor of a page of tasks that ends among those given to the actor.
const ownFirst = "own."

func writeCursor(at string, id uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(at + "|" + id.String()))
}

func readCursor(s string) (at string, id uuid.UUID, err error) {
	bad := fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
	raw, e := base64.RawURLEncoding.DecodeString(s)
	if e != nil {
		return "", id, bad
	}
	at, text, ok := strings.Cut(string(raw), "|")
	if id, e = uuid.Parse(text); !ok || e != nil {
		return "", id, bad
	}
	if at != "infinity" {
		if _, e := time.Parse("2006-01-02 15:04:05.999999999-07", at); e != nil {
			return "", id, bad
		}
	}
	return at, id, nil
}

// MatterName is the catalogue's name of a matter, also of one that is in force no more; "" when it is not known.
func (w *World) MatterName(code string) string { return w.Catalog.Name(code) }

// MatterNameIn is that name in a reader's language; in Chinese where the catalogue has no English.
func (w *World) MatterNameIn(code, lang string) string {
	if it, ok := w.Catalog.Matter(code); ok && lang == "en" && it.NameEN != "" {
		return it.NameEN
	}
	return w.MatterName(code)
}

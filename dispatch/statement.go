package dispatch

import (
	"fmt"
	"reflect"
	"strings"
)

// rows describes how one part of a Change becomes rows: its key in the JSON, its table, the columns (the json
// names of the struct's fields; district and case_id come from the guarded case row, never from the JSON).
type rows struct {
	key, table string
	columns    []string
	conflict   string // key columns of an upsert; "" inserts only
	keyed      bool   // the row carries case_id (all but none do)
}

func columns(v any, skip ...string) []string {
	t := reflect.TypeOf(v)
	var out []string
next:
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		for _, s := range append(skip, "-", "district", "case_id") {
			if name == s {
				continue next
			}
		}
		out = append(out, name)
	}
	return out
}

var children = []rows{
	{"events", "case_event", columns(Event{}), "", true},
	{"texts", "case_text", columns(Text{}), "", true},
	{"assignments", "assignment", columns(Assignment{}), "id", true},
	{"calls", "call", columns(Call{}), "id", true},
	{"targets", "call_target", columns(CallTarget{}), "id", true},
	{"clocks", "sla_clock", columns(Clock{}), "id", true},
	{"returns", "case_return", columns(Return{}), "id", true},
	{"requests", "case_request", columns(Request{}), "id", true},
	{"ratings", "rating", columns(Rating{}), "", true},
	{"results", "case_result", columns(Result{}), "", true},
	{"checks", "case_check", columns(Check{}), "", true},
	{"handlers", "case_handler", columns(Handler{}), "", true},
	{"parties", "case_party", columns(Party{}), "unit,case_id", true},
	{"routes", "case_route", columns(RouteRecord{}), "", true},
	{"qrs", "call_qr", columns(QR{}), "token_hash", true},
	{"unit_ratings", "unit_rating", columns(UnitRating{}), "", true},
	{"followers", "case_follower", columns(Follower{}), "", true},
	{"callbacks", "callback", columns(Callback{}), "", true},
	{"reveals", "reveal", columns(Reveal{}), "", true},
	{"notices", "notice", columns(PublicNotice{}), "", true},
}

// child writes one part: insert … select from the JSON, district and case from the guarded row named c. A fresh case
// has no rows yet that could be met: looking for them costs a second search of the index and a second record per row.
func (r rows) child(source string, fresh bool) string {
	cols := strings.Join(r.columns, ", ")
	vals := "r." + strings.Join(r.columns, ", r.")
	sql := fmt.Sprintf("insert into %s (district, case_id, %s) select c.district, c.id, %s from %s, jsonb_populate_recordset(null::%s, (select j->'%s' from p)) r", r.table, cols, vals, source, r.table, r.key)
	if r.conflict == "" || fresh {
		return sql
	}
	var set []string
	for _, col := range r.columns {
		if !strings.Contains(","+r.conflict+",", ","+col+",") {
			set = append(set, fmt.Sprintf("%s = excluded.%s", col, col))
		}
	}
	return sql + fmt.Sprintf(" on conflict (district, %s) do update set %s", r.conflict, strings.Join(set, ", "))
}

// statementFor builds the one statement for exactly the parts that a change has; there are few shapes, so plans
// are shared. $1 is the change as jsonb, $2 district, $3 case, $4 the head_seq that was read (update only),
// then for an action: $5 actor, $6 key, $7 payload hash, $8 answer of the idempotency row (null key: none).
func statementFor(parts []string, submit bool) string {
	var b strings.Builder
	b.WriteString("with p as (select $1::jsonb as j)")
	if submit {
		cols := columns(Case{}, "id")
		cols = append([]string{"district", "id"}, cols...)
		report := append([]string{"district", "case_id"}, columns(Report{})...)
		fmt.Fprintf(&b, `,
rp as (insert into report (%s) select r.%s from p, jsonb_populate_recordset(null::report, p.j->'reports') r where r.district = $2 and r.case_id = $3
  on conflict (district, submission_key) do update set submission_key = excluded.submission_key returning district, id, case_id, payload_hash, answer, (xmax = 0) as fresh),
c as (insert into cases (%s) select n.%s from p, jsonb_populate_record(null::cases, p.j->'case') n, rp where rp.fresh and n.district = $2 and n.id = $3 returning district, id),
rv as (insert into reporter_vault (district, id, account_id, name_enc, phone_enc, phone_bidx, created_at) select c.district, r.id, r.account_id, r.name_enc, coalesce(r.phone_enc, a.phone_enc), coalesce(r.phone_bidx, a.phone_bidx), r.created_at
  from c cross join jsonb_populate_recordset(null::reporter_vault, (select j->'reporters' from p)) r left join account a on a.district = c.district and a.id = r.account_id and a.kind = 'RESIDENT'),
rd as (insert into receipt_directory (key, district, report_id) select k, c.district, rp.id from c, rp, unnest($4::text[]) k)`,
			strings.Join(report, ", "), strings.Join(report, ", r."), strings.Join(cols, ", "), strings.Join(cols, ", n."))
	} else {
		var set []string
		for _, col := range columns(Case{}, "id") {
			set = append(set, fmt.Sprintf("%s = n.%s", col, col))
		}
		fmt.Fprintf(&b, `,
c as (update cases t set %s from p, jsonb_populate_record(null::cases, p.j->'case') n where t.district = $2 and t.id = $3 and t.head_seq = $4 returning t.district, t.id),
ik as (insert into idempotency (district, actor, key, payload_hash, status, answer) select c.district, $5, $6, $7, 200, $8::jsonb from c where $6::text is not null)`, strings.Join(set, ", "))
	}
	for _, r := range children {
		for _, part := range parts {
			if part == r.key {
				fmt.Fprintf(&b, ",\nx_%s as (%s)", r.key, r.child("c", submit))
			}
		}
	}
	for _, part := range parts {
		if part == "rules" {
			// A second arbitration of the same case writes the next version, which outranks the first.
			b.WriteString(",\nx_rules as (insert into rule (district, id, version, status, body) select c.district, r->>'id', v.n, r->>'status', r || jsonb_build_object('version', v.n)" +
				" from c, jsonb_array_elements((select j->'rules' from p)) r cross join lateral (select coalesce(max(x.version), 0) + 1 as n from rule x where x.district = c.district and x.id = r->>'id') v)")
		}
		if part == "notices" { // the one that it replaces; the new one is not seen by this statement
			b.WriteString(",\nx_replaced as (update notice o set withdrawn_at = yx_now(), withdrawn_by = (select (j->'notices'->0->>'published_by')::uuid from p) from c where o.district = c.district and o.case_id = c.id and o.withdrawn_at is null)")
		}
		if part == "quota" {
			b.WriteString(`,
x_quota as (insert into reveal_quota as q (district, account_id, day, n, most) select c.district, (j->'quota'->>'account_id')::uuid, (j->'quota'->>'day')::date, 1, (j->'quota'->>'most')::int from c, p
  on conflict (district, account_id, day) do update set n = q.n + 1, most = excluded.most)`)
		}
		if part == "learned" { // sorted by their key, so that two corrections never wait for each other in a circle
			b.WriteString(",\nx_learned as (insert into suggest_count as s (district, term, item, n) select c.district, r->>'term', r->>'item', (r->>'n')::int from c, jsonb_array_elements((select j->'learned' from p)) r" +
				" on conflict (district, term, item) do update set n = greatest(-1000, least(1000, s.n + excluded.n)))")
		}
		if part == "relink" {
			b.WriteString(`,
x_followers as (insert into case_follower (district, case_id, account_id, report_id, followed_at) select f.district, (j->'case'->>'master_case_id')::uuid, f.account_id, f.report_id, f.followed_at
  from c, p, case_follower f where f.district = c.district and f.case_id = c.id on conflict do nothing)`)
			b.WriteString(",\nx_relink as (update report t set case_id = (select (j->'case'->>'master_case_id')::uuid from p) from c where t.district = c.district and t.case_id = c.id)")
		}
		if part == "media" {
			b.WriteString(",\nx_media as (update media m set case_id = c.id from c where m.district = c.district and m.id = any(select jsonb_array_elements_text(j->'media') from p))")
		}
	}
	b.WriteString(",\nob as (insert into outbox (district, case_id, seq) select c.district, c.id, (e->>'seq')::bigint from c, jsonb_array_elements((select j->'events' from p)) e)\n")
	if submit {
		b.WriteString("select rp.fresh, rp.case_id, rp.payload_hash, rp.answer from rp")
	} else {
		b.WriteString("select count(*) from c")
	}
	return b.String()
}

// parts lists which children a change has, in a fixed order.
func (c *Change) parts() []string {
	var out []string
	for name, n := range map[string]int{"events": len(c.Events), "texts": len(c.Texts), "assignments": len(c.Assignments), "calls": len(c.Calls), "targets": len(c.Targets),
		"clocks": len(c.Clocks), "returns": len(c.Returns), "requests": len(c.Requests), "ratings": len(c.Ratings), "results": len(c.Results), "checks": len(c.Checks),
		"handlers": len(c.Handlers), "parties": len(c.Parties), "routes": len(c.Routes), "qrs": len(c.QRs), "media": len(c.Media),
		"unit_ratings": len(c.UnitRatings), "followers": len(c.Followers), "callbacks": len(c.Callbacks), "reveals": len(c.Reveals), "notices": len(c.Notices)} {
		if n > 0 {
			out = append(out, name)
		}
	}
	if len(c.Rules) > 0 {
		out = append(out, "rules")
	}
	if c.Quota != nil {
		out = append(out, "quota")
	}
	if len(c.Learned) > 0 {
		out = append(out, "learned")
	}
	if c.Relink {
		out = append(out, "relink")
	}
	return out
}

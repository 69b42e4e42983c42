package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/notify"
)

// occasions are the rows of the matrix for which three days of a simulated district have none, by the beginnings of their keys, with the
// reason. Such a row must not fire there.
var occasions = map[string]string{
	"bulletin.": "no month ends", "report_ready.": "nobody orders reports", "digest.leader.": "leaders hear on Mondays",
	"card_overdue.": "a candidate is late after three working days", "otp.": "the players sign in without the message",
	"call_proposed.": "no community proposes a call", "called.leader.SMS": "no street calls at L3", "called.supervisor.": "no street calls at L3", "checked_in_remote.": "whoever checks in is there",
	"clarified.": "there is no rumour", "data_seen.": "nobody looks at personal data", "reveal_limit.": "nobody looks at personal data", "unreachable.": "every unit has somebody", "visit_missed.": "nobody takes on visits",
	"assigned.": "units leave it to their people who signs",
}

// without says by which channels nobody there can be reached.
var without = map[string]string{notify.Group: "no unit has a chat group", notify.WeChat: "nobody has bound WeChat", notify.Email: "nobody has given an address"}

// seldom are the rows, by the beginnings of their keys, that three days may or may not bring: who must be told of them is in the tests
// TestWhoIsTold… of package dispatch and in the scenarios of their acts.
var seldom = []string{
	"answered.", "arbitrate_overdue.", "callback_task.", "arbitrated.leader.", "arbitrated.street.", "arbitrated.reporter.", "disputed.street.APP", "disputed.unit.", "disputed.supervisor.",
	"called.follower.", "dispatched.follower.", "merged.follower.", "merged_unnumbered.", "extended.follower.", "suspended.follower.", "extend_requested.supervisor.",
	"suspend_requested.supervisor.", "resumed.", "urged.district.", "card_upheld.", "card_reminder.", "check_failed.", "incident_attached.street.", "incident_attached_unfiled.",
	"incident_deferred.", "rejected_again.", "reopened.", "supervisor_task.", "systemic_problem.", "verify_overdue_100.", "verify_reminder_80.", "incident_notice.resident.SMS",
}

// startOf finds the entry of a table whose key a row's key begins with.
func startOf(table map[string]string, key string) (string, bool) {
	for start, said := range table {
		if strings.HasPrefix(key, start) {
			return said, true
		}
	}
	return "", false
}

// everyRow holds what was told in a simulated district against the whole matrix: each row fired, or is known to have no occasion there
// and has not fired, or is one of the seldom ones.
func everyRow(t *testing.T, fired map[string]int) {
	t.Helper()
	n, idle, rare := 0, 0, 0
	for _, r := range notify.DefaultRows() {
		why, never := startOf(occasions, r.Key())
		if said, ok := without[r.Channel]; ok {
			why, never = said, true
		}
		may := slices.ContainsFunc(seldom, func(start string) bool { return strings.HasPrefix(r.Key(), start) })
		switch {
		case never && fired[r.Key()] > 0:
			t.Errorf("%s fired, though %s", r.Key(), why)
		case never:
			idle++
		case fired[r.Key()] > 0:
			n++
		case may:
			rare++
		default:
			t.Errorf("%s never fired", r.Key())
		}
	}
	t.Logf("RESULT name=matrix rows=%d fired=%d without_occasion=%d seldom=%d", len(notify.DefaultRows()), n, idle, rare)
}

// beside the matrix are only a browser's push beside the inbox, what other systems hear, and the digest of a storm of alarms.
const (
	hooked = "state_changed.partner.WEBHOOK"
	folded = "folded.staff."
)

// offices say whom an audience is made of. What is not here is made of whoever acts for a unit, or of residents.
var offices = map[string][]string{
	"worker": {"GRID_WORKER"}, "district": {"DISPATCHER"}, "supervisor": {"SUPERVISOR"}, "arbitrator": {"ARBITRATOR"}, "callback": {"CALLBACK"}, "auditor": {"AUDITOR"},
	"leader":  {"STREET_LEADER", "STREET_SECRETARY", "DEPT_LEADER"},
	"handler": acting, "unit": acting, "target": acting, "street": acting, "checker": acting, "interim": acting,
}

var acting = []string{"GRID_WORKER", "COMMUNITY_OFFICER", "STREET_OFFICER", "STREET_LEADER", "STREET_SECRETARY", "DEPT_OFFICER", "DEPT_LEADER", "UTILITY", "PROPERTY", "NGO"}

// toldSQL is every message with the event of the case that it tells of and what its reader is.
const toldSQL = `select m.district, m.event, m.template, m.channel, m.due_at, e.at, coalesce(e.fact, ''), coalesce(a.kind, ''), r.enabled, r.after_s,
	(select coalesce(array_agg(distinct b.role), '{}') from role_binding b where b.district = m.district and b.account_id = m.account_id)
from message m left join case_event e on e.district = m.district and e.id = m.event_id left join account a on a.district = m.district and a.id = m.account_id
	left join notice_rule r on r.district = m.district and r.event = m.event and r.audience = split_part(m.template, '.', 2) and r.channel = m.channel`

// told checks, at the end of a scenario, that every message of its districts is the doing of one row of the matrix, under the row's own
// conditions, not before its time and to the audience that it names; it gives how often each row fired.
func (p *program) told() (fired map[string]int, beside []string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p.planned(ctx)
	rules := map[string]notify.Row{}
	for _, r := range notify.DefaultRows() {
		rules[r.Key()] = r
	}
	rows, err := p.db.Engine.Pool.Query(ctx, toldSQL)
	require.NoError(p.t, err)
	counts, wrong := map[string]int{}, map[string]bool{}
	var district, event, template, channel, fact, kind string
	var due time.Time
	var at *time.Time
	var enabled *bool
	var after *int
	var roles []string
	_, err = pgx.ForEachRow(rows, []any{&district, &event, &template, &channel, &due, &at, &fact, &kind, &enabled, &after, &roles}, func() error {
		audience := ""
		if part := strings.Split(template, "."); len(part) == 3 {
			audience = part[1]
		}
		key := notify.Key(event, audience, channel)
		if channel == notify.Push {
			key = notify.Key(event, audience, notify.App)
		}
		row, ok := rules[key]
		switch {
		case key == hooked, strings.HasPrefix(key, folded):
			return nil
		case enabled != nil && *enabled: // the district's own row
			row, ok = notify.Row{Event: event, Audience: audience, Channel: channel, When: row.When}, true
			if after != nil {
				row.After = time.Duration(*after) * time.Second
			}
		case enabled != nil: // switched off since: it fired before
		}
		counts[key]++
		if !ok {
			wrong[template+" by "+channel+": no row of the matrix"] = true
			return nil
		}
		if !holds(row.When, fact) {
			wrong[fmt.Sprintf("%s: none of %v holds in %s", key, row.When, fact)] = true
		}
		if at != nil && enabled == nil && event != "checkin_overdue" && due.Before(at.Add(row.After)) { // a check-in counts from its own hour
			wrong[fmt.Sprintf("%s: due %v, the event was at %v", key, due, at)] = true
		}
		if want, staff := offices[audience]; staff && len(roles) > 0 && !slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(want, r) }) {
			wrong[fmt.Sprintf("%s: told to %v", key, roles)] = true
		} else if staff && kind == "RESIDENT" || audience == "follower" && kind != "RESIDENT" {
			wrong[fmt.Sprintf("%s: told to a %s", key, kind)] = true
		}
		return nil
	})
	require.NoError(p.t, err)
	return counts, slices.Sorted(maps.Keys(wrong))
}

// besides shows that a message which no row gives, one to the wrong office and one before its time are seen.
func (p *program) besides() {
	p.t.Helper()
	for _, change := range []string{"template = 'called.passer_by.APP'", "template = 'called.auditor.APP'", "due_at = due_at - interval '1 hour'"} {
		var id uuid.UUID
		var template string
		var due time.Time
		ctx, pool := p.t.Context(), p.db.Engine.Pool
		require.NoError(p.t, pool.QueryRow(ctx, "select id, template, due_at from message where template = 'called.target.SMS' limit 1").Scan(&id, &template, &due))
		_, err := pool.Exec(ctx, "update message set "+change+" where id = $1", id)
		require.NoError(p.t, err)
		_, beside := p.told()
		require.Len(p.t, beside, 1, change)
		_, err = pool.Exec(ctx, "update message set template = $2, due_at = $3 where id = $1", id, template, due)
		require.NoError(p.t, err)
	}
	_, beside := p.told()
	require.Empty(p.t, beside)
}

// planned waits until every event of the districts has been planned.
func (p *program) planned(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var left int
		if err := p.db.Engine.Pool.QueryRow(ctx, "select count(*) from outbox").Scan(&left); err != nil || left == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// holds reads the level of a call and the kind of a clock from an event's fact. A priority may have changed since and is not asked.
func holds(when []string, fact string) bool {
	if len(when) == 0 || when[0][0] == 'P' {
		return true
	}
	var f struct {
		Data struct {
			Kind  string `json:"kind"`
			Level any    `json:"level"`
		} `json:"data"`
	}
	_ = json.Unmarshal([]byte(fact), &f)
	return slices.Contains(when, f.Data.Kind) || slices.Contains(when, fmt.Sprint(f.Data.Level))
}

package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
)

// recounted compares every grouping of the rollups with a count of the rows, over a span that is over, one that runs, one that
// begins and ends in mid-month and all of it.
func (d *testDistrict) recounted() {
	d.t.Helper()
	sup, w := d.actor("supervisor"), d.worlds.Get("350102")
	day := func(m time.Month, n int) time.Time { return time.Date(2026, m, n, 0, 0, 0, 0, morning.Location()) }
	for _, span := range [][2]time.Time{{day(6, 1), day(7, 1)}, {day(6, 9), day(6, 11)}, {day(5, 20), day(8, 9)}, {day(1, 1), day(12, 31)}} {
		var district *Figures
		for by, g := range groupings {
			got, err := d.desk.rolledOverview(d.t.Context(), w, span[0], span[1], by)
			require.NoError(d.t, err)
			want, err := d.desk.countedOverview(d.t.Context(), sup, g, span[0], span[1], by)
			require.NoError(d.t, err)
			require.Equal(d.t, want, got, "%s %v", by, span)
			if district == nil {
				district = &got.Total
			}
			require.Equal(d.t, *district, got.Total, "the sum over %s is the district, %v", by, span)
		}
	}
	found, err := Audit(d.t.Context(), d.db.Engine, "")
	require.NoError(d.t, err)
	require.Empty(d.t, found.Findings)
}

// behindAll lists everything behind a figure, page by page, and counts it.
func (d *testDistrict) behindAll(f Figure) (n, holds, value int64) {
	d.t.Helper()
	for next := ""; ; {
		list, more, err := d.desk.WhatIsBehind(d.t.Context(), d.actor("supervisor"), f, 3, next)
		require.NoError(d.t, err)
		for i := range list {
			n++
			if list[i].Holds {
				holds++
			}
			if list[i].Value != nil {
				value += *list[i].Value
			}
		}
		if next = more; next == "" {
			return n, holds, value
		}
	}
}

// listed compares every figure with the length of the list behind it.
func (d *testDistrict) listed(from, to time.Time) {
	d.t.Helper()
	sup := d.actor("supervisor")
	for by := range groupings {
		o, err := d.desk.Overview(d.t.Context(), sup, from, to, by)
		require.NoError(d.t, err)
		for _, r := range append(o.Rows, o.Total) {
			group := by
			if r.Key == "total" {
				group = ""
			}
			for name, want := range map[string][3]int64{"received": {r.Received, r.Received}, "closed": {r.Closed, r.Closed}, "solved": {r.Solved, r.Solved}, "open": {r.Open, r.Open}, "overdue": {r.Overdue, r.Overdue}, "yellow": {r.Yellow, r.Yellow}, "red": {r.Red, r.Red},
				"call_response": {r.CallResponse.Den, r.CallResponse.Num}, "on_time_checkin": {r.OnTimeCheckin.Den, r.OnTimeCheckin.Num}, "checkin_time": {r.CallResponse.Num, r.CallResponse.Num, r.CheckinSeconds}, "remote": {r.Remote, r.Remote},
				"on_time_disposal": {r.OnTimeDisposal.Den, r.OnTimeDisposal.Num}, "resolution": {r.Resolution.Den, r.Resolution.Num}, "hops": {r.HopCases, r.HopCases, r.Hops}} {
				key := r.Key
				if group == "" {
					key = ""
				}
				n, holds, value := d.behindAll(Figure{name, group, key, from, to})
				require.Equal(d.t, want, [3]int64{n, holds, value}, "%s of %s %s", name, by, r.Key)
			}
			key := r.Key
			if group == "" {
				key = ""
			}
			n, holds, _ := d.behindAll(Figure{"satisfied", group, key, from, to}) // its values are grades
			require.Equal(d.t, Ratio{Num: holds, Den: n}, r.Satisfied, "satisfied of %s %s", by, r.Key)
		}
	}
	for by, group := range map[string]string{"unit": "unit", "street": "street", "district": "", "matter": "matter"} {
		t, err := d.desk.Lights(d.t.Context(), sup, by)
		require.NoError(d.t, err)
		owing, _, _ := d.behindAll(Figure{"unanswered", "", "", time.Time{}, morning.AddDate(9, 0, 0)})
		require.Equal(d.t, *t.Unanswered, owing, "unanswered")
		for _, r := range t.Rows {
			for name, want := range map[string]int64{"open": r.Open, "green": r.Green, "yellow": r.Yellow, "red": r.Red, "overdue": r.Overdue} {
				n, _, _ := d.behindAll(Figure{name, group, r.Key, time.Time{}, morning.AddDate(9, 0, 0)})
				require.Equal(d.t, want, n, "%s of %s %s", name, by, r.Key)
			}
		}
	}
	for _, list := range []struct {
		by    string
		tiles func(context.Context, auth.Actor, int) (*Tiles, error)
	}{{"problem", d.desk.Problems}, {"grid", d.desk.RiskLevels}, {"grid", d.desk.HotSpots}} {
		by := list.by
		t, err := list.tiles(d.t.Context(), sup, 50)
		require.NoError(d.t, err)
		for _, r := range t.Rows {
			for name, want := range map[string]int64{"recent": r.Recent, "open": r.Open, "overdue": r.Overdue} {
				n, _, _ := d.behindAll(Figure{name, by, r.Key, time.Time{}, morning.AddDate(9, 0, 0)})
				require.Equal(d.t, want, n, "%s of %s %s", name, by, r.Key)
			}
		}
	}
	for _, by := range []string{"source", "street", "unit", "day"} {
		rows, _, err := d.desk.Hotlines(d.t.Context(), sup, from, to, by)
		require.NoError(d.t, err)
		for i, r := range rows {
			group, key := by, r.Key
			if i == len(rows)-1 {
				group, key = "", ""
			}
			for name, want := range map[string]Ratio{"accept_on_time": r.Accepted, "accurate_dispatch": r.Dispatched, "on_time_disposal": r.Disposed, "feedback_on_time": r.Told} {
				n, holds, _ := d.behindAll(Figure{name, group, key, from, to})
				require.Equal(d.t, want, Ratio{Num: holds, Den: n}, "%s of %s %s", name, by, r.Key)
			}
		}
	}
}

// anyLife lets people do whatever the table lets them do, at random; what is refused is no matter.
func (d *testDistrict) anyLife(random *rand.Rand, cases []*Receipt) []*Receipt {
	d.t.Helper()
	if len(cases) < 4 || random.IntN(6) == 0 {
		matter := []string{matterBuilding, matterLight, matterLight, ""}[random.IntN(4)]
		return append(cases, d.submit([]string{"lin", "chen"}[random.IntN(2)], matter, []PointIn{inJunmen, inGarden}[random.IntN(2)]))
	}
	r := cases[random.IntN(len(cases))]
	var state State
	var lead string
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(context.Background(), "select state, lead_unit from cases where id = $1", r.CaseID).Scan(&state, &lead))
	leader := map[string]string{"S-DJ": "dj-leader", "D-CG": "cg-leader", "D-JS": "js-leader", "D-SJ": "sj-leader"}[lead]
	if leader == "" {
		leader = "junmen-officer"
	}
	whoDoes := map[Action][]string{ActCheckIn: {"cg-officer", "js-officer", "sj-officer"}, ActAck: {"cg-officer", "js-officer", "sj-officer"}, ActCheckPass: {"junmen-worker", "garden-worker", "dj-officer"}, ActCheckFail: {"junmen-worker", "garden-worker"},
		ActVerify: {"junmen-worker", "garden-worker"}, ActArbitrate: {"arbitrator"}, ActCall: {"dj-secretary"}, ActWithdrawCall: {"dj-leader"}, ActApprove: {"dispatcher", "supervisor"}, ActDecline: {"supervisor"}}
	for _, act := range []Action{ActFile, ActDispatch, ActVoid, ActMerge, ActRequestVerify} {
		whoDoes[act] = []string{"dispatcher"}
	}
	for _, act := range []Action{ActSign, ActContact, ActResolve, ActReturn, ActDispute, ActSuspend, ActExtend, ActConsult, ActResume} {
		whoDoes[act] = []string{leader}
	}
	moves := spine[state]
	if len(moves) == 0 || random.IntN(8) == 0 {
		moves = []Action{ActReturn, ActDispute, ActSuspend, ActExtend, ActApprove, ActVoid, ActMerge, ActRate}
	}
	act := moves[random.IntN(len(moves))]
	if state == Closed && random.IntN(2) == 0 {
		act = ActRate
	}
	if act == ActRate {
		raw := fmt.Sprintf(`{"resolved":%t,"grade":%d}`, random.IntN(3) > 0, 1+random.IntN(5))
		cmd, err := ParseCommand(ActRate, []byte(raw))
		require.NoError(d.t, err)
		for _, name := range []string{"lin", "chen"} {
			_, _ = d.desk.DoAsReporter(context.Background(), d.actor(name), r.CaseID, r.ReportID, cmd, nil)
		}
		return cases
	}
	target := []string{"D-CG", "D-JS", "D-SJ"}[random.IntN(3)]
	var request *uuid.UUID
	_ = d.db.Engine.Pool.QueryRow(context.Background(), "select id from case_request where case_id = $1 and state = 'PENDING' limit 1", r.CaseID).Scan(&request)
	photo := "own"
	body := map[Action]map[string]any{
		ActReturn: {"legal_basis": "三定方案", "suggested_unit": target, "reason": "不属于本单位"}, ActDispute: {"reason": "职责不清"}, ActSuspend: {"reason": "WEATHER", "resume_at": d.now().Add(30 * time.Hour)},
		ActExtend: {"budget": "1WD", "reason": "材料未到"}, ActApprove: {"request_id": request}, ActVoid: {"reason": "测试数据录入有误"}, ActMerge: {"master_case_id": cases[random.IntN(len(cases))].CaseID},
		ActFile: {"matter": matterBuilding}, ActDispatch: {"lead": target}, ActContact: {"method": "PHONE"}, ActCall: {"level": "L1", "reason": "JOINT", "targets": []map[string]any{{"unit": target, "lead": true}}, "remote_allowed": true},
		ActArbitrate: {"lead": target, "basis": "权责清单", "verdicts": []map[string]any{{"unit": "D-JS", "founded": random.IntN(2) == 0}}}, ActWithdrawCall: {"reason": "已自行处置"}, ActCheckFail: {"reason": "仍未修好", "media_ids": []string{photo}}, ActCheckPass: {"media_ids": []string{photo}},
		ActResolve: {"outcome": "RESOLVED", "accepted_at": d.now(), "talked_to": "报案人", "measures": "已处理完毕", "time_limit": "当日", "media_ids": []string{photo}}, ActConsult: {"participants": []string{"D-CG"}, "conclusion": "共同处置"},
		ActVerify: {"verdict": "TRUE", "media_ids": []string{photo}},
	}[act]
	if body == nil {
		body = map[string]any{}
	}
	for _, name := range whoDoes[act] {
		if act == ActResolve {
			_, _ = d.act(name, r.CaseID, ActContact, map[string]any{"method": "PHONE"})
		}
		if body["media_ids"] != nil { // who shows a photo has taken it
			body["media_ids"] = []string{d.photo(name)}
		}
		if _, err := d.act(name, r.CaseID, act, body); err == nil {
			break
		}
	}
	return cases
}

// Whatever is done in whatever order, with clocks ringing in between and planners that die at any statement: the rollups are
// what a recount gives, to the unit, and a rebuild changes nothing.
func TestRollupsAreARecount(t *testing.T) {
	t.Parallel()
	rounds := 6
	if os.Getenv("YIXIAN_FULL") == "1" {
		rounds = 120
	}
	for seed := range 2 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := newDistrict(t)
			random := rand.New(rand.NewPCG(uint64(seed), 90))
			room := newEngineRoom(d, d.db.Engine)
			var cases []*Receipt
			for range rounds {
				for range 24 {
					cases = d.anyLife(random, cases)
				}
				if random.IntN(2) == 0 { // a planner dies somewhere in its work
					db, ctx, done := crashing(d, 2+random.IntN(14))
					_, _ = newEngineRoom(d, db).planner.Step(ctx)
					done()
				}
				d.advance([]time.Duration{0, time.Minute, 3 * time.Hour, 26 * time.Hour, 9 * 24 * time.Hour}[random.IntN(5)])
				for d.count("select (select count(*) from outbox) + (select count(*) from sla_clock where next_at <= yx_now()) + (select count(*) from rollup_case where next_at <= yx_now())") > 0 {
					require.NoError(t, room.once(t.Context()))
				}
				d.recounted()
			}
			t.Log(d.text("select string_agg(state || ' ' || n, ', ') from (select state, count(*) as n from cases group by 1 order by 1) x"))
			require.Positive(t, d.count("select count(*) from rollup_day where a_den > 0"), "something was settled")
			const everything = `select coalesce(string_agg(r::text, chr(10) order by r::text), '') from (
				select to_jsonb(x) - 'next_at' as r from rollup_case x union all select to_jsonb(x) from rollup_day x where (received, open, closed, t_den, a_den, r_den, accepted, dispatched, fb_den) <> (0, 0, 0, 0, 0, 0, 0, 0, 0)
				union all select to_jsonb(x) from rollup_peak x where n <> 0 union all select to_jsonb(x) from rollup_now x where (open, recent) <> (0, 0)) y`
			before := d.text(everything)
			d.listed(morning.AddDate(0, 0, -7).Truncate(24*time.Hour).Add(-8*time.Hour), time.Date(2026, 8, 1, 0, 0, 0, 0, morning.Location()))
			n, err := Rebuild(t.Context(), d.db.Engine, "350102", nil)
			require.NoError(t, err)
			require.Equal(t, len(cases), n)
			require.Equal(t, before, d.text(everything), "a rebuild changes nothing")
			d.recounted()
		})
	}
}

// Two engines keep the same figures at the same time: each difference is written once.
func TestTwoPlannersKeepOnce(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.june()
	rooms := []*engineRoom{newEngineRoom(d, d.db.Engine), newEngineRoom(d, d.db.Engine)}
	for range 4 {
		done := make(chan error, 2)
		for _, room := range rooms {
			go func() { done <- room.once(context.Background()) }()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		d.advance(30 * time.Hour)
	}
	for d.count("select (select count(*) from outbox) + (select count(*) from sla_clock where next_at <= yx_now()) + (select count(*) from rollup_case where next_at <= yx_now())") > 0 {
		require.NoError(t, rooms[0].once(t.Context()))
	}
	d.recounted()
}

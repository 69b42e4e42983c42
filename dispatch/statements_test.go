package dispatch

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

// counter counts what a pool sends, the parts of a batch each by itself.
type counter struct {
	mu   sync.Mutex
	sent []string
}

func (c *counter) note(sql string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, sql)
}

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	c.note(d.SQL)
	return ctx
}
func (*counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (c *counter) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	c.note(d.SQL)
}
func (*counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// Every action of the lifecycle that somebody can ask for, in every state in which random people get it through, costs at
// most three statements: load, a block of case numbers now and then, and the one that writes. A merge writes two cases.
func TestAnActionIsThreeStatements(t *testing.T) {
	t.Parallel()
	d := newCrowdedDesk(t)
	pc, err := pgxpool.ParseConfig(d.db.URL(pg.RoleApp))
	require.NoError(t, err)
	trace := &counter{}
	pc.ConnConfig.Tracer, pc.MaxConns = trace, 1
	pc.ConnConfig.RuntimeParams["timezone"] = pg.Zone
	pc.AfterConnect = func(ctx context.Context, c *pgx.Conn) error { // one district for good: nothing of it is sent later
		_, err := c.Exec(ctx, "select set_config('app.district', '350102', false)")
		return err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), pc)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, pool.Ping(t.Context())) // what a connection says at its birth is no part of an action
	desk := NewDesk(&pg.DB{Pool: pool}, d.keys, d.worlds, nil)
	most := map[Action]int{}
	run := func(name string, id uuid.UUID, act Action, body map[string]any) {
		t.Helper()
		cmd, err := command(act, body)
		require.NoError(t, err)
		cmd.CaseNo, cmd.Master, cmd.Salt, cmd.Officer = "", nil, nil, nil
		cmd.Key, cmd.Hash = uuid.NewString(), []byte{1}
		trace.sent = nil
		if _, err := desk.Do(t.Context(), d.actor(name), id, cmd, nil); err != nil {
			t.Fatalf("%s by %s: %v", act, name, err)
		}
		most[act] = max(most[act], len(trace.sent))
		require.LessOrEqual(t, len(trace.sent), 3, "%s sent\n%s", act, strings.Join(trace.sent, "\n---\n"))
	}
	auto := func(name string, id uuid.UUID, act Action, more map[string]any) {
		t.Helper()
		o, err := d.desk.View(t.Context(), d.actor(name), id)
		require.NoError(t, err)
		body := fullBody(act, o.Snapshot, o.Now)
		if _, ok := body["media_ids"]; ok {
			body["media_ids"] = []string{d.photo(name)}
		}
		maps.Copy(body, more)
		run(name, id, act, body)
	}
	// A file with a matter that calls by no rule, and no numbers in hand: the dearest one.
	plain := d.submit("lin", "", inJunmen).CaseID
	auto("dispatcher", plain, ActFile, nil)
	auto("dispatcher", d.submit("lin", "", inJunmen).CaseID, ActRequestVerify, nil)
	looked := d.submit("lin", "", inJunmen).CaseID
	auto("dispatcher", looked, ActRequestVerify, nil)
	auto("junmen-worker", looked, ActVerify, nil)
	auto("dispatcher", looked, ActReject, nil)
	voided := d.submit("lin", "", inJunmen).CaseID
	auto("dispatcher", voided, ActVoid, nil)
	child := d.submit("lin", matterBuilding, inJunmen).CaseID
	master := d.submit("chen", matterBuilding, inJunmen).CaseID
	auto("dispatcher", child, ActMerge, map[string]any{"master_case_id": master.String()})
	back := d.submit("lin", matterLight, inJunmen).CaseID
	auto("js-officer", back, ActReturn, nil)
	auto("dispatcher", back, ActDispatch, nil)
	id := d.submit("lin", matterBuilding, inGarden).CaseID
	for _, st := range []struct {
		who  string
		act  Action
		more map[string]any
	}{
		{"dj-officer", ActSign, nil}, {"dj-officer", ActAssign, map[string]any{"account": d.actor("dj-leader").Account.String()}}, {"supervisor", ActSupervise, nil}, {"dj-officer", ActReply, nil}, {"dj-officer", ActContact, nil}, {"dispatcher", ActNote, nil}, {"dj-officer", ActReveal, nil},
		{"dj-officer", ActExtend, nil}, {"dispatcher", ActApprove, nil}, {"dj-officer", ActSuspend, nil}, {"dispatcher", ActDecline, nil}, {"dj-officer", ActSuspend, nil}, {"dispatcher", ActApprove, nil}, {"dj-officer", ActResume, nil},
		{"dj-leader", ActCall, map[string]any{"level": "L2"}}, {"dj-leader", ActWithdrawCall, nil}, {"dj-leader", ActCall, map[string]any{"level": "L2"}}, {"cg-officer", ActAck, nil}, {"cg-officer", ActCheckIn, nil}, {"cg-officer", ActConsult, map[string]any{"tasks": []any{}}},
		{"cg-officer", ActContact, nil}, {"cg-officer", ActResolve, nil}, {"garden-officer", ActCheckFail, nil}, {"cg-officer", ActContact, nil}, {"cg-officer", ActResolve, nil}, {"garden-officer", ActCheckPass, nil}, {"dj-officer", ActRateUnit, nil}, {"supervisor", ActReopen, nil},
	} {
		auto(st.who, id, st.act, st.more)
	}
	third := d.submit("chen", matterBuilding, inGarden).CaseID
	auto("dj-officer", third, ActSign, nil)
	auto("dj-officer", third, ActDispute, nil)
	auto("arbitrator", third, ActArbitrate, nil)
	// The rest is asked for by reporters, by callback officers after days, or by the program; one road leads through Do for all.
	for _, act := range []Action{ActFile, ActMerge, ActSign, ActCall, ActCheckIn, ActResolve, ActCheckPass, ActArbitrate} {
		require.Contains(t, most, act)
	}
	t.Logf("RESULT name=statements actions=%d most=%d each=%v", len(most), slices.Max(slices.Collect(maps.Values(most))), most)
}

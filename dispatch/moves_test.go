package dispatch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"yixian/internal/local"
)

// onward are the moves that follow another one in the same change, by the program: what is filed is dispatched, what is dispatched by a
// rule may call, what was verified is filed, what needs no check is closed.
var onward = map[State][]State{Submitted: {Filed}, Filed: {Dispatched}, Dispatched: {Calling}, Resolved: {Closed}}

// moves are all pairs of states between which one change may carry a case, drawn from the table of the lifecycle.
func moves() map[[2]State]bool {
	out := map[[2]State]bool{}
	var reach func(from, to State)
	reach = func(from, to State) {
		if from == to || from == None || out[[2]State{from, to}] {
			return
		}
		out[[2]State{from, to}] = true
		for _, next := range onward[to] {
			reach(from, next)
		}
	}
	for _, row := range Lifecycle {
		targets := append(slices.Clone(backTo[row.Action]), row.To)
		switch row.Action {
		case ActRate, ActCallback: // a bad answer reopens
			targets = append(targets, backTo[ActReopen]...)
		case ActApprove: // a suspension, a call that a community proposed, a reopening beyond the bound
			continue
		case ActDecline: // of a reopening whose window is over
			continue
		}
		for _, from := range row.From {
			for _, to := range targets {
				switch {
				case to == None:
				case row.Action == ActAppeal: // a person decides about it
					out[[2]State{from, to}] = true
				default:
					reach(from, to)
				}
			}
		}
	}
	for _, from := range []State{Handling, Onsite} {
		reach(from, Suspended)
	}
	reach(Handling, Calling)
	for _, to := range backTo[ActReopen] {
		reach(Closed, to)
	}
	reach(Closed, Archived)
	for _, s := range deferrable { // an incident defers what can wait, and lifts it again
		out[[2]State{s, Suspended}], out[[2]State{Suspended, s}] = true, true
	}
	return out
}

// storedMoves are the pairs that the database lets pass.
func (d *testDistrict) storedMoves() map[[2]State]bool {
	d.t.Helper()
	rows, err := d.db.Engine.Pool.Query(d.t.Context(), "select unnest(yx_case_moves())")
	require.NoError(d.t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(d.t, err)
	out := map[[2]State]bool{}
	for _, pair := range list {
		from, to, _ := strings.Cut(pair, ">")
		out[[2]State{State(from), State(to)}] = true
	}
	return out
}

// The trigger's list is the table's: a change of the lifecycle shows up here, with the array that the next migration needs.
func TestTheDatabaseKnowsTheMoves(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	var list []string
	for m := range moves() {
		list = append(list, fmt.Sprintf("'%s>%s'", m[0], m[1]))
	}
	slices.Sort(list)
	require.Equal(t, moves(), d.storedMoves(), "array[%s]", strings.Join(list, ","))
}

// Random lives use no other move, and nearly all of them.
func TestLivesMoveAsTheTableSays(t *testing.T) {
	t.Parallel()
	seen := map[[2]State]bool{}
	legal := moves()
	lives := 1500
	if raced() {
		lives = 300
	}
	for n := range lives {
		draw := rand.New(rand.NewPCG(uint64(n), 8))
		l, err := begin(draw.IntN)
		require.NoError(t, err)
		for range 30 {
			before := l.s.Case.State
			require.NoError(t, l.act())
			if now := l.s.Case.State; now != before {
				seen[[2]State{before, now}] = true
				require.True(t, legal[[2]State{before, now}], "%s → %s\n%s", before, now, strings.Join(l.log, "\n"))
			}
		}
	}
	t.Logf("%d of %d moves were made", len(seen), len(legal))
	require.Greater(t, len(seen)*10, len(legal)*6)
}

// By hand, whoever does it: every move that the table does not know is refused by the database, for the web's role, the
// engine's and the superuser.
func TestIllegalMovesAreRefusedBySQL(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	legal := d.storedMoves()
	root, err := pgx.Connect(t.Context(), d.db.URL(local.Superuser))
	require.NoError(t, err)
	defer func() { _ = root.Close(t.Context()) }()
	id := d.submit("lin", "", inJunmen).CaseID
	app, err := pgx.Connect(t.Context(), d.db.URL("yixian_app"))
	require.NoError(t, err)
	defer func() { _ = app.Close(t.Context()) }()
	_, err = app.Exec(t.Context(), "select set_config('app.district', '350102', false)")
	require.NoError(t, err)
	engine, err := d.db.Engine.Pool.Acquire(t.Context())
	require.NoError(t, err)
	defer engine.Release()
	refused := 0
	for _, from := range States {
		// The row is put into the state with all columns that its CHECKs ask for; replica: no trigger looks.
		_, err := root.Exec(t.Context(), "set session_replication_role = replica")
		require.NoError(t, err)
		_, err = root.Exec(t.Context(), `update cases set state = $2, case_no = 'X-1', lead_unit = 'S-DJ', closed_at = created_at, master_case_id = case when $2 = 'MERGED' then gen_random_uuid() end where id = $1`, id, from)
		require.NoError(t, err)
		_, err = root.Exec(t.Context(), "set session_replication_role = origin")
		require.NoError(t, err)
		for _, to := range States {
			if from == to || legal[[2]State{from, to}] {
				continue
			}
			for name, conn := range map[string]*pgx.Conn{"superuser": root, "web": app, "engine": engine.Conn()} {
				_, err := conn.Exec(t.Context(), `update cases set state = $2, version = version + 1, head_seq = head_seq + 1, master_case_id = case when $2 = 'MERGED' then gen_random_uuid() end where id = $1`, id, to)
				var pe *pgconn.PgError
				require.ErrorAs(t, err, &pe, "%s → %s by %s", from, to, name)
				require.Equal(t, "23514", pe.Code, "%s → %s by %s: %v", from, to, name, err)
				require.Contains(t, pe.Message, "case moves", "%s → %s by %s", from, to, name)
				refused++
			}
		}
	}
	for _, sql := range []string{"update cases set version = version - 1 where id = $1", "update cases set head_seq = head_seq - 1, version = 1 where id = $1", "update cases set last_at = last_at - interval '1 second' where id = $1",
		"update cases set state = 'FLYING' where id = $1", "delete from cases where id = $1"} {
		_, err := root.Exec(t.Context(), sql, id)
		var pe *pgconn.PgError
		require.ErrorAs(t, err, &pe, sql)
		require.Equal(t, "23514", pe.Code, "%s: %v", sql, err)
	}
	require.Equal(t, 3*(len(States)*(len(States)-1)-len(legal)), refused)
	t.Logf("%d illegal moves refused", refused)
}

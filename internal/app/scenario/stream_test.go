package scenario

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

type live struct {
	ID   string
	Data struct {
		Kind    string `json:"kind"`
		ID      string `json:"id"`
		Version int    `json:"version"`
	}
}

// listen opens the stream and hands over its events; the channel closes with the stream.
func (w *who) listen(query string, header ...string) <-chan live {
	w.p.t.Helper()
	return w.listenUntil(w.p.t.Context(), query, header...)
}

// listenUntil is listen on a line that is cut when ctx ends.
func (w *who) listenUntil(ctx context.Context, query string, header ...string) <-chan live {
	w.p.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.p.base+"/stream"+query, nil)
	require.NoError(w.p.t, err)
	req.Header.Set("Authorization", "Bearer "+w.token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.p.t, err)
	require.Equal(w.p.t, 200, resp.StatusCode)
	require.Contains(w.p.t, resp.Header.Get("Content-Type"), "text/event-stream")
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && lines.Text() != ": connected" { // subscribed from here on
	}
	out := make(chan live, 100)
	go func() {
		defer close(out)
		defer func() { _ = resp.Body.Close() }()
		var e live
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "id: "):
				e.ID = line[4:]
			case strings.HasPrefix(line, "data: "):
				if json.Unmarshal([]byte(line[6:]), &e.Data) == nil {
					out <- e
				}
			}
		}
	}()
	return out
}

// next waits for the first event of a case and kind.
func next(t *testing.T, from <-chan live, id, kind string) live {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e := <-from:
			if e.Data.ID == id && e.Data.Kind == kind {
				return e
			}
		case <-deadline:
			t.Fatalf("no %s event of case %s came", kind, id)
		}
	}
}

func TestStreamIsLiveScopedAndCatchesUp(t *testing.T) {
	p := start(t)
	dis, so2, res := p.staff("dis1"), p.staff("so2"), p.resident(1)
	toDis, toSo2, toRes := dis.listen(""), so2.listen(""), res.listen("")
	mine := res.report("06001").ok(201).str("case_id")
	first := next(t, toDis, mine, "submit")
	require.NotEmpty(t, first.ID)
	next(t, toRes, mine, "dispatch")
	north := p.resident(2).report("06001", obj{"point": obj{"lon": 119.3080, "lat": 26.0905, "datum": "WGS84"}}).ok(201).str("case_id")
	require.Equal(t, north, next(t, toSo2, north, "submit").Data.ID)
	for len(toSo2) > 0 {
		require.NotEqual(t, mine, (<-toSo2).Data.ID, "another street's case is not in its stream")
	}
	p.staff("so1").act(mine, "sign", obj{}).ok(200)
	signed := next(t, toDis, mine, "sign")

	// A client that lost the connection gets what it missed, by its last event or by time.
	caught := dis.listen("", "Last-Event-ID", first.ID)
	require.Equal(t, signed.ID, next(t, caught, mine, "sign").ID)
	again := dis.listen("?since=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	next(t, again, north, "submit")
	require.Equal(t, 422, dis.get("/stream?since=yesterday").Status)
	cutStreams(t, p, mine, 20)
	require.Equal(t, 401, p.anyone().get("/stream").Status)
}

// cutStreams cuts a client's line again and again while things happen to a case; each time it goes on from the last event
// it had and ignores what it has. In the end it has seen every event.
func cutStreams(t *testing.T, p *program, id string, cuts int) {
	t.Helper()
	dis, writer := p.staff("dis1"), p.staff("dis2")
	last := next(t, dis.listen("?since="+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)), id, "submit").ID
	seen := map[string]bool{}
	for _, e := range cutEvents(t, p, id) {
		seen[e] = true
	}
	before := len(seen)
	read := func(fresh int) {
		t.Helper()
		ctx, cut := context.WithCancel(t.Context())
		defer cut()
		line := dis.listenUntil(ctx, "", "Last-Event-ID", last)
		patience := time.After(time.Minute) // a guard against hanging, no measure
		for fresh > 0 {
			select {
			case e := <-line:
				if e.Data.ID == id && !seen[e.ID] {
					seen[e.ID], last = true, e.ID
					fresh--
				}
			case <-patience:
				t.Fatalf("%d events did not come", fresh)
			}
		}
	}
	for range cuts {
		wrote := make(chan error, 1)
		go func() {
			for range 3 {
				if r := writer.act(id, "note", obj{"text": "仍在处理"}); r.Status != 200 {
					wrote <- errors.New(string(r.Raw))
					return
				}
			}
			wrote <- nil
		}()
		read(2)
		require.NoError(t, <-wrote)
	}
	missing := 0
	for _, e := range cutEvents(t, p, id)[before:] {
		if !seen[e] {
			missing++
		}
	}
	require.Positive(t, missing, "the last cuts left something to catch up")
	read(missing)
	all := cutEvents(t, p, id)
	require.Len(t, all, before+3*cuts)
	for _, e := range all[before:] {
		require.True(t, seen[e], "an event was missed")
	}
}

// cutEvents are the ids of a case's events in their order.
func cutEvents(t *testing.T, p *program, id string) (out []string) {
	t.Helper()
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select array_agg(id::text order by seq) from case_event where case_id = $1", id).Scan(&out))
	return out
}

func TestDistrictsAreWalledOff(t *testing.T) {
	p := start(t)
	id := p.resident(1).report("06001").ok(201).str("case_id")
	p.anyone().get("/sandbox/messages").ok(200)
	count := func(district, table string) (n int) {
		t.Helper()
		require.NoError(t, p.db.App.Pool.QueryRow(pg.WithDistrict(t.Context(), district), "select count(*) from "+table).Scan(&n))
		return n
	}
	rows, err := p.db.Engine.Pool.Query(t.Context(), `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'district'
		where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not in ('tenant', 'receipt_directory')`)
	require.NoError(t, err)
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, rows.Err())
	require.Greater(t, len(tables), 25)
	for _, table := range tables {
		require.Zero(t, count("350122", table), "another district sees %s", table)
		require.Zero(t, count("", table), "a connection without a district sees %s", table)
	}
	require.Equal(t, 1, count("350102", "cases"))
	_, err = p.db.App.Pool.Exec(pg.WithDistrict(t.Context(), "350122"), "update cases set state = 'VOIDED' where id = $1", uuid.MustParse(id))
	require.NoError(t, err)
	require.Equal(t, "DISPATCHED", p.staff("dis1").thing(id).str("state"))
	_, err = p.db.App.Pool.Exec(pg.WithDistrict(t.Context(), "350122"), "insert into outbox (district, case_id, seq) values ('350102', $1, 99)", uuid.MustParse(id))
	require.ErrorContains(t, err, "row-level security")
}

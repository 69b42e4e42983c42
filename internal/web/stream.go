package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// LiveChannel names the fan-out channel of a district's live notices.
func LiveChannel(district string) string { return "live:" + district }

const (
	streamBatch = 100 * time.Millisecond // notices of a burst are filtered by one query
	streamFirst = 10 * time.Millisecond  // one change is often two or three events
	streamAlive = 20 * time.Second
	streamCheck = 3                // signs of life: a session that ended ends its streams within a minute
	streamAgain = int64(2000)      // ms, up to twice as long: thousands who lose their streams together do not all come back at one moment
	streamSlow  = 30 * time.Second // a reader that takes nothing for so long is let go; it comes again with its last id
)

// line is one open stream: the connection and what it needs for hours. The request that opened it, with the buffers of the server and
// the frames of the router, is given back: thousands of lines wait at the same time.
type line struct {
	s     *server
	conn  net.Conn
	a     auth.Actor
	token string
	live  <-chan []byte
}

// stream sends what happens in the actor's scope as server-sent events: id is the event's id, data {kind, id, version}.
// With Last-Event-ID or ?since= (an event id or an RFC 3339 instant) it begins with what was missed, read from the
// event table a little earlier than asked: the client ignores what it has.
func (s *server) stream(c *gin.Context) {
	last := c.GetHeader("Last-Event-ID")
	if last == "" {
		last = c.Query("since")
	}
	since, catchUp, err := parseSince(last)
	if err != nil {
		s.problem(c, err)
		return
	}
	conn, _, err := c.Writer.Hijack()
	if err != nil {
		s.problem(c, err)
		return
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Connection", "close") // the events last as long as the connection
	var head strings.Builder
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&head)
	fmt.Fprintf(&head, "\r\nretry: %d\n: connected\n\n", streamAgain+rand.Int64N(streamAgain)) //nolint:gosec // a moment, not a secret

	ctx, hangUp := context.WithCancel(context.Background())
	l := &line{s: s, conn: conn, a: actorOf(c)}
	l.token, _ = s.tokenOf(c)
	l.live = s.Fanout.Subscribe(ctx, LiveChannel(l.a.District))
	go func() {
		defer hangUp()
		_, _ = conn.Read(make([]byte, 1)) // a client has nothing more to say: it is gone
	}()
	go func() {
		defer hangUp()
		defer func() { _ = conn.Close() }()
		defer func() {
			if r := recover(); r != nil {
				s.Log.LogAttrs(ctx, slog.LevelError, "panic", slog.String("route", "stream"), slog.Any("panic", r))
			}
		}()
		if l.write(head.String()) && (!catchUp || l.catchUp(ctx, since)) {
			l.follow(ctx)
		}
	}()
}

// follow tells what happens until the client is gone, the session has ended or the program stops.
func (l *line) follow(ctx context.Context) {
	alive := time.NewTicker(streamAlive)
	defer alive.Stop()
	var batch []*reading
	var flush <-chan time.Time
	var sent time.Time
	newest, signs := time.Now(), 0
	for {
		select {
		case <-l.s.Done:
			return
		case raw, open := <-l.live:
			if !open { // the client is gone
				return
			}
			if raw == nil { // something may have been missed: read the table again
				if !l.catchUp(ctx, dispatch.SinceTime(newest)) {
					return
				}
				continue
			}
			n := l.s.crowd.read(raw)
			if n == nil {
				continue
			}
			newest = time.Now()
			if !n.Concerns(l.a) {
				continue
			}
			batch = append(batch, n)
			if flush == nil { // the first after a silence goes out almost at once
				flush = time.After(max(streamFirst, streamBatch-time.Since(sent)))
			}
		case <-flush:
			flush, sent = nil, time.Now()
			if !l.tell(ctx, batch) {
				return
			}
			batch = nil
		case <-alive.C:
			if signs++; signs%streamCheck == 0 && !l.signedIn(ctx) || !l.write(": alive\n\n") {
				return
			}
		}
	}
}

func parseSince(text string) (since dispatch.Since, ok bool, err error) {
	if text == "" {
		return since, false, nil
	}
	if id, err := uuid.Parse(text); err == nil {
		return dispatch.SinceEvent(id), true, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return dispatch.SinceTime(at), true, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return dispatch.SinceTime(time.UnixMilli(ms)), true, nil
	}
	return since, false, fault.Invalid("/since", "应为事件编号或 RFC 3339 时间")
}

func (l *line) catchUp(ctx context.Context, since dispatch.Since) bool {
	for {
		page, err := l.s.Desk.StreamSince(ctx, l.a, since, 500)
		if err != nil {
			return false // the client reconnects with its last id
		}
		var b strings.Builder
		for i := range page {
			b.WriteString(sse(&page[i]))
		}
		if !l.write(b.String()) {
			return false
		}
		if len(page) < 500 {
			return true
		}
		since = dispatch.Next(page[len(page)-1])
	}
}

// tell writes live notices that are in the actor's scope, asked in one query for all.
func (l *line) tell(ctx context.Context, batch []*reading) bool {
	if len(batch) == 0 {
		return true
	}
	seen, err := l.s.crowd.inScope(ctx, l.s.Desk, l.a, batch)
	if err != nil {
		return false
	}
	if len(batch) == 1 && seen[batch[0].CaseID] {
		return l.write(batch[0].text)
	}
	var b strings.Builder
	for _, n := range batch {
		if seen[n.CaseID] {
			b.WriteString(n.text)
		}
	}
	return l.write(b.String())
}

func (l *line) write(text string) bool {
	if text == "" {
		return true
	}
	if l.conn.SetWriteDeadline(time.Now().Add(streamSlow)) != nil {
		return false
	}
	_, err := io.WriteString(l.conn, text)
	return err == nil
}

// sse is a notice as a server-sent event.
func sse(n *dispatch.Notice) string {
	data, err := json.Marshal(gin.H{"kind": n.Kind, "id": n.CaseID, "version": n.Version, "state": n.State})
	if err != nil {
		return "" // plain values
	}
	return fmt.Sprintf("id: %s\ndata: %s\n\n", n.EventID, data)
}

// signedIn says that the session still is one, and takes over what has become of its roles.
func (l *line) signedIn(ctx context.Context) bool {
	a, err := l.s.Auth.Authenticate(ctx, l.token)
	if err == nil {
		l.a = a
	}
	return err == nil || !fault.Is(err, "UNAUTHENTICATED")
}

// Stream hands the connection to the stream, which writes for itself.
func (s *server) Stream(ctx context.Context, _ api.StreamRequestObject) (api.StreamResponseObject, error) {
	s.stream(ginOf(ctx))
	return nil, nil
}

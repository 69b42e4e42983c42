package web

import (
	"context"
	"encoding/json"
	"fmt"
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
	streamCheck = time.Minute // a session that ended ends its streams within this time
)

// stream sends what happens in the actor's scope as server-sent events: id is the event's id, data {kind, id, version}.
// With Last-Event-ID or ?since= (an event id or an RFC 3339 instant) it begins with what was missed, read from the
// event table a little earlier than asked: the client ignores what it has.
func (s *server) stream(c *gin.Context) {
	a := actorOf(c)
	last := c.GetHeader("Last-Event-ID")
	if last == "" {
		last = c.Query("since")
	}
	since, catchUp, err := parseSince(last)
	if err != nil {
		s.problem(c, err)
		return
	}
	live := s.Fanout.Subscribe(c, LiveChannel(a.District))
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if _, err := c.Writer.WriteString("retry: 3000\n: connected\n\n"); err != nil {
		return
	}
	c.Writer.Flush()
	if catchUp && !s.catchUp(c, a, since) {
		return
	}
	alive, check := time.NewTicker(streamAlive), time.NewTicker(streamCheck)
	defer alive.Stop()
	defer check.Stop()
	var batch []dispatch.Notice
	var flush <-chan time.Time
	var sent time.Time
	newest := time.Now()
	for {
		select {
		case <-c.Request.Context().Done():
			return
		case raw, open := <-live:
			if !open {
				return
			}
			if raw == nil { // something may have been missed: read the table again
				if !s.catchUp(c, a, dispatch.SinceTime(newest)) {
					return
				}
				continue
			}
			var n dispatch.Notice
			if json.Unmarshal(raw, &n) == nil {
				newest = time.Now()
				if !n.Concerns(a) {
					continue
				}
				batch = append(batch, n)
			}
			if flush == nil { // the first after a silence goes out almost at once
				flush = time.After(max(streamFirst, streamBatch-time.Since(sent)))
			}
		case <-flush:
			flush, sent = nil, time.Now()
			if !s.send(c, a, batch, false) {
				return
			}
			batch = batch[:0]
		case <-alive.C:
			if _, err := c.Writer.WriteString(": alive\n\n"); err != nil {
				return
			}
			c.Writer.Flush()
		case <-check.C:
			if !s.stillSignedIn(c) {
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

func (s *server) catchUp(c *gin.Context, a auth.Actor, since dispatch.Since) bool {
	for {
		page, err := s.Desk.StreamSince(c, a, since, 500)
		if err != nil {
			return false // the client reconnects with its last id
		}
		if !s.send(c, a, page, true) {
			return false
		}
		if len(page) < 500 {
			return true
		}
		since = dispatch.Next(page[len(page)-1])
	}
}

// send writes notices; live ones are first filtered by the actor's scope, in one query for all.
func (s *server) send(c *gin.Context, a auth.Actor, batch []dispatch.Notice, scoped bool) bool {
	if len(batch) == 0 {
		return true
	}
	var seen map[uuid.UUID]bool
	if !scoped {
		var err error
		if seen, err = s.crowd.inScope(c, s.Desk, a, batch); err != nil {
			return false
		}
	}
	var b strings.Builder
	for _, n := range batch {
		if !scoped && !seen[n.CaseID] {
			continue
		}
		data, err := json.Marshal(gin.H{"kind": n.Kind, "id": n.CaseID, "version": n.Version, "state": n.State})
		if err != nil {
			return false
		}
		fmt.Fprintf(&b, "id: %s\ndata: %s\n\n", n.EventID, data)
	}
	if b.Len() == 0 {
		return true
	}
	if _, err := c.Writer.WriteString(b.String()); err != nil {
		return false
	}
	c.Writer.Flush()
	return true
}

func (s *server) stillSignedIn(c *gin.Context) bool {
	token := ""
	if h := c.GetHeader("Authorization"); strings.HasPrefix(h, "Bearer ") {
		token = strings.TrimSpace(h[len("Bearer "):])
	} else if v, err := c.Cookie(s.cookieName()); err == nil {
		token = v
	}
	_, err := s.Auth.Authenticate(c, token)
	return err == nil || !fault.Is(err, "UNAUTHENTICATED")
}

// Stream hands the connection to the stream, which writes for itself.
func (s *server) Stream(ctx context.Context, _ api.StreamRequestObject) (api.StreamResponseObject, error) {
	s.stream(ginOf(ctx))
	return nil, nil
}

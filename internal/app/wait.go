package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"yixian/frontend"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// longestWait is the pause between two tries to reach the database: at most this long after it came, the program is up.
const longestWait = time.Second

// openWaiting is Open for a program that stays: while the database of DATABASE_URL is away it tries again, for ever, and
// says so once a minute. Every other refusal (a wrong key file, another schema, a directory in use or closed) ends the
// start, and so does a private server that does not come up: nobody else will start it.
func openWaiting(ctx context.Context, cfg Config, log *slog.Logger) (*App, error) {
	pause, told := 100*time.Millisecond, time.Time{}
	for {
		a, err := Open(ctx, cfg, log, cfg.Sandbox)
		// An error of the file system counts as a network error, because syscall.Errno has a Timeout method.
		var file *fs.PathError
		if err == nil || ctx.Err() != nil || cfg.DatabaseURL == "" || errors.As(err, &file) || !fault.Is(pg.Fault(err), "UNAVAILABLE") {
			return a, err
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			log.Warn("数据库暂时连不上，正在等待并重试；请检查 DATABASE_URL 与数据库服务 / the database cannot be reached: waiting and trying again; check DATABASE_URL and the server", "cause", err.Error())
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, longestWait)
	}
}

// front answers from the first moment on: until the program is open by itself, then through the handler it is given.
type front struct {
	pages http.Handler
	open  atomic.Pointer[http.Handler]
}

func newFront() *front { return &front{pages: frontend.Handler(frontend.Options{})} }

func (f *front) switchTo(h http.Handler) { f.open.Store(&h) }

// ServeHTTP gives the pages (what was written on a phone stays there) and says 503 with Retry-After to the API.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := f.open.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	switch path := r.URL.Path; {
	case path == "/healthz":
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{"status":"ok"}`))
	case path == "/readyz" || path == "/healthz/deep" || strings.HasPrefix(path, "/api/"):
		e := fault.Unavailable(nil)
		body, err := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(e.Status), "status": e.Status, "code": e.Code, "detail": e.Detail})
		if err != nil {
			body = nil // plain texts can always be encoded
		}
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
		w.WriteHeader(e.Status)
		_, _ = w.Write(body)
	default:
		f.pages.ServeHTTP(w, r)
	}
}

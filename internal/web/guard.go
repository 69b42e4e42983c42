package web

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/fault"
)

const (
	actorKey   = "yixian.actor"
	requestKey = "yixian.request"
)

func requestID(c *gin.Context) string { return c.GetString(requestKey) }

// observe gives the request its id, logs one line without query or body, and keeps a panic from ending the program.
func (s *server) observe(c *gin.Context) {
	var b [8]byte
	_, _ = rand.Read(b[:])
	id := hex.EncodeToString(b[:])
	c.Set(requestKey, id)
	c.Header("X-Request-Id", id)
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			if r == http.ErrAbortHandler { //nolint:errorlint // net/http compares the same way
				panic(r)
			}
			s.Log.LogAttrs(c, slog.LevelError, "panic", slog.String("request_id", id), slog.String("route", c.FullPath()), slog.Any("panic", r))
			if !c.Writer.Written() {
				writeProblem(c, internal(nil))
			}
		}
		level := slog.LevelDebug
		if c.Writer.Status() >= 500 {
			level = slog.LevelWarn
		}
		s.Log.LogAttrs(c, level, "request", slog.String("request_id", id), slog.String("method", c.Request.Method), slog.String("route", c.FullPath()),
			slog.Int("status", c.Writer.Status()), slog.Duration("took", time.Since(start)))
	}()
	c.Next()
}

// A body that nobody has read, of up to maxDrained bytes, is read to its end before the answer goes out: a connection that is closed
// while its client still writes is reset, and the client sees the reset instead of the answer. A larger one is cut.
const (
	maxDrained  = 32 << 20
	drainWithin = 10 * time.Second
)

func drain(c *gin.Context) {
	r, body := c.Request, c.Request.Body
	if r.ContentLength <= 0 || r.ContentLength > maxDrained || r.Header.Get("Expect") != "" {
		c.Next()
		return
	}
	r.Body = io.NopCloser(body) // whoever reads a part of it and closes it would end the connection; net/http closes it in the end
	c.Next()
	if err := http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(drainWithin)); err == nil {
		_, _ = io.Copy(io.Discard, body) // what fails here fails on the client's side as well
	}
}

// headers are on every answer; the pages set their own policy.
func (s *server) headers(c *gin.Context) {
	h := c.Writer.Header()
	if s.Secure { // who came over TLS once comes over TLS for a year
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if strings.HasPrefix(c.Request.URL.Path, "/api/") {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-store")
	}
}

func (s *server) cookieName() string {
	if s.Secure {
		return "__Host-sid"
	}
	return "sid"
}

// identify finds who asks: a bearer token for programs, the cookie for browsers. A cookie changes state only from our
// own pages. A dead session is nobody, except where one was shown in so many words: a bearer gets 401.
func (s *server) identify(c *gin.Context) {
	if strings.HasPrefix(c.FullPath(), devicePaths) {
		return // its bearer is the device's key, and no cookie counts
	}
	token, byCookie := s.tokenOf(c)
	if token == "" {
		return
	}
	if byCookie && c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead && !sameOrigin(c.Request) {
		writeProblem(c, fault.Forbidden("CROSS_ORIGIN", "请求来自其他网站，已拒绝"))
		return
	}
	a, err := s.Auth.Authenticate(c, token)
	switch {
	case err == nil:
		c.Set(actorKey, a)
	case fault.Is(err, "UNAUTHENTICATED") && byCookie:
		s.setCookie(c, "", -1)
	default:
		s.problem(c, err)
	}
}

// tokenOf is the token of a session that a request shows: "" when it shows none.
func (s *server) tokenOf(c *gin.Context) (token string, byCookie bool) {
	if h := c.GetHeader("Authorization"); strings.HasPrefix(h, "Bearer ") {
		return strings.TrimSpace(h[len("Bearer "):]), false
	}
	v, err := c.Cookie(s.cookieName())
	return v, err == nil && v != ""
}

// sameOrigin believes the browser's own headers: Sec-Fetch-Site where it is sent, else Origin against Host.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin" || site == "none"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // not a browser's cross-site request: those always carry one of the two
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

func (s *server) setCookie(c *gin.Context, token string, maxAge int) {
	//nolint:gosec // Secure is off only for a trial without TLS
	http.SetCookie(c.Writer, &http.Cookie{Name: s.cookieName(), Value: token, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
}

// cookieLife is how long the browser keeps the cookie; the session itself may end earlier.
func cookieLife(k auth.Kind) int {
	if k == auth.Staff {
		return int((12 * time.Hour).Seconds())
	}
	return int((90 * 24 * time.Hour).Seconds())
}

// cspReport takes the browsers' reports of violated page policies: counted in the log, without the address.
func (s *server) cspReport(c *gin.Context) {
	if err := s.allow(c, "csp", cache.Rate{Count: 60, Per: time.Minute}); err == nil {
		s.Log.LogAttrs(c, slog.LevelWarn, "csp report", slog.String("request_id", requestID(c)))
	}
	c.Status(http.StatusNoContent)
}

// Package open311 is the door for other people's apps: Open311 GeoReport v2 with mySociety's updates, in XML and JSON. It maps
// between the standard's words and the domain's; a request goes in by dispatch.Desk.Submit like every other report. It
// decides nothing about cases, and what it shows is what dispatch lets everybody see.
package open311

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Deps are the parts the door stands on.
type Deps struct {
	Desk    *dispatch.Desk
	DB      *pg.DB
	Auth    *auth.Store
	Limits  *cache.Limits
	Photo   func(ctx context.Context, a auth.Actor, from io.Reader) (id string, err error) // takes one upload in
	Fault   func(c *gin.Context, err error) *fault.Error                                   // logs what must not be shown
	Sandbox bool
	Wide    func() bool                                       // limits are wide: a sandbox that does not practise them
	Home    func(c *gin.Context) (district string, err error) // of the host, where no jurisdiction is named
}

type door struct{ Deps }

// Mount opens the door below /open311/v2.
func Mount(r gin.IRouter, d Deps) {
	k := door{d}
	g := r.Group("/open311/v2", cors)
	g.OPTIONS("/*path", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	for _, f := range []string{".xml", ".json"} { // some clients are given the base without the version
		r.GET("/open311/discovery"+f, cors, k.discovery)
	}
	for path, handle := range map[string]gin.HandlerFunc{"/discovery": k.discovery, "/services": k.services, "/requests": k.requests, "/servicerequestupdates": k.updates} {
		for _, f := range []string{".xml", ".json"} {
			g.GET(path+f, handle)
		}
	}
	g.GET("/requests.csv", k.requests)
	// The last part carries the format: gin sees it as one parameter.
	g.GET("/services/:code", k.service)
	g.GET("/requests/:id", k.request)
	g.GET("/tokens/:token", k.token)
	for _, f := range []string{".xml", ".json"} {
		g.POST("/requests"+f, k.submit)
		g.POST("/servicerequestupdates"+f, k.addUpdate)
	}
}

// Missing answers what lies below /open311 and is not there, in the standard's own form; ok is false for any other path.
func Missing(c *gin.Context, status int) (ok bool) {
	if !strings.HasPrefix(c.Request.URL.Path, "/open311/") {
		return false
	}
	if c.Request.Method == http.MethodGet { // only a preflight may ask about any path
		status = http.StatusNotFound
	}
	cors(c)
	write(c, refuse(status, "%s %s is not served here", c.Request.Method, c.Request.URL.Path))
	return true
}

// cors lets pages of other hosts read every answer; nothing here goes by a cookie.
func cors(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Idempotency-Key")
	h.Set("Cache-Control", "no-store")
	c.Next()
}

// district is the jurisdiction that a call is about: it must be named where the program serves several.
func (k door) district(c *gin.Context, p params) (string, *answer) {
	tenants := k.Desk.Worlds().Tenants()
	named := p.get("jurisdiction_id")
	switch {
	case named != "":
		if !slices.ContainsFunc(tenants, func(t dispatch.Tenant) bool { return t.District == named }) {
			return "", refuse(http.StatusNotFound, "jurisdiction_id %s was not found", named)
		}
		return named, nil
	case len(tenants) > 1:
		return "", refuse(http.StatusBadRequest, "jurisdiction_id is required: this endpoint serves several")
	}
	home, err := k.Home(c)
	if err != nil {
		return "", k.failed(c, err)
	}
	return home, nil
}

// partner is who holds the key; a wrong one, or one that may not do this, is 403 in this standard.
func (k door) partner(c *gin.Context, district string, p params, scope string) (auth.Actor, *answer) {
	key := p.get("api_key")
	if key == "" {
		key = strings.TrimPrefix(c.GetHeader("Authorization"), "Bearer ")
	}
	a, err := k.Auth.Partner(c, district, key)
	switch {
	case fault.Is(err, "UNAUTHENTICATED"):
		return a, refuse(http.StatusForbidden, "api_key is missing or not valid")
	case err != nil:
		return a, k.failed(c, err)
	case !a.Scoped(scope):
		return a, refuse(http.StatusForbidden, "this api_key may not do that")
	case k.Wide != nil && k.Wide():
		return a, nil
	}
	if ok, after := k.Limits.Allow(c, auth.PartnerLimit(a), cache.Rate{Count: a.Grant.PerHour, Per: time.Hour}); !ok {
		c.Header("Retry-After", strconv.Itoa(int(after/time.Second)+1))
		return a, refuse(http.StatusTooManyRequests, "too many requests with this api_key")
	}
	return a, nil
}

// failed turns any error into the standard's: 404 and 403 keep their meaning, what the caller did wrong is 400.
func (k door) failed(c *gin.Context, err error) *answer {
	e := k.Fault(c, err)
	status := e.Status
	switch {
	case status >= 500, status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusTooManyRequests, status == http.StatusRequestEntityTooLarge:
	default:
		status = http.StatusBadRequest
	}
	text := e.Code
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	out := refuse(status, "%s", text)
	for _, f := range e.Fields {
		out.errors = append(out.errors, problem{Code: status, Description: strings.TrimPrefix(f.Pointer, "/") + ": " + f.Detail})
	}
	return out
}

func lang(c *gin.Context, p params) string {
	if l := p.get("locale") + c.GetHeader("Accept-Language"); strings.HasPrefix(l, "en") {
		return "en"
	}
	return "zh"
}

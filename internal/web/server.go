// Package web is the HTTP face: routes, sessions by cookie or token, validation against the contract, problem
// documents, live streams and the pages. It maps between the contract's types and the domain's and decides
// nothing about cases.
package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"yixian/api"
	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/media"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/internal/sticker"
	"yixian/internal/web/open311"
	"yixian/notify"
)

// Sandbox is what the practice mode adds; nil outside it.
type Sandbox struct {
	Clock func(ctx context.Context, set *time.Time, advance time.Duration, run bool) (time.Time, error)
	Reset func(ctx context.Context, fixture string, mfa, limits bool) (now time.Time, users []string, err error)
	Wait  func(ctx context.Context) error // until everything due was delivered

	Counted func(ctx context.Context) error // until the figures hold everything that has happened
}

// Deps are the parts that the composition root hands over.
type Deps struct {
	DB             *pg.DB // app role
	Desk           *dispatch.Desk
	Office         *grid.Office
	Auth           *auth.Store
	Keys           *seal.Keyring
	Limits         *cache.Limits
	Fanout         *cache.Fanout
	Presence       *cache.Presence // who looks at which case
	Media          media.Store
	Photos         *media.Processor
	Post           *notify.Post
	Maps           *grid.Maps
	Planner        *dispatch.Planner             // previews of messages
	Font           func() (*sticker.Font, error) // for stickers
	Push           string                        // public key of Web Push
	Pages          http.Handler
	Sandbox        *Sandbox
	Secure         bool // cookies only over TLS
	TrustedProxies []string
	Hosts          map[string]string // host → district
	Log            *slog.Logger
	Done           <-chan struct{} // closed when the program stops: streams end
	WideLimits     func() bool
	Ready          func(ctx context.Context) error
	Deep           func(ctx context.Context) (districts []dispatch.Pulse, healthy bool, err error) // what the auditor knows
}

type server struct {
	Deps
	doc   *contract
	flood flood

	underway underway
	crowd    crowd
	world    func(district string) *dispatch.World
}

// New builds the handler. A route of the contract that declares no permission, or one this program does not know,
// is an error: the program refuses to start.
func New(d Deps) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.ContextWithFallback = true
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	if err := r.SetTrustedProxies(d.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	s := &server{Deps: d, flood: flood{cache.NewLimits(nil)}, world: d.Desk.Worlds().Get}
	doc, err := newContract()
	if err != nil {
		return nil, err
	}
	s.doc = doc
	r.Use(s.observe, s.headers, drain)
	v1 := r.Group("/api/v1", s.identify, doc.guard(s))
	h := api.NewStrictHandlerWithOptions(s, nil, api.StrictGinServerOptions{RequestErrorHandlerFunc: badRequest, HandlerErrorFunc: s.problem, ResponseErrorHandlerFunc: s.problem})
	api.RegisterHandlersWithOptions(v1, h, api.GinServerOptions{ErrorHandler: func(c *gin.Context, err error, _ int) { badRequest(c, err) }})
	for _, route := range r.Routes() {
		if _, ok := doc.permissions[route.Method+" "+route.Path]; !ok {
			return nil, fmt.Errorf("route %s %s declares no permission", route.Method, route.Path)
		}
	}
	r.GET("/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	r.GET("/readyz", func(c *gin.Context) {
		if err := d.Ready(c); err != nil {
			s.problem(c, fault.Unavailable(err))
			return
		}
		c.JSON(http.StatusOK, gin.H{"status": "ready"})
	})
	r.GET("/healthz/deep", s.deep)
	spec, err := api.GetSpecJSON()
	if err != nil {
		return nil, err
	}
	r.GET("/openapi.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/json; charset=utf-8", spec) })
	r.POST("/csp", s.cspReport)
	s.mountLite(r)
	r.POST("/callbacks/:district/:provider", s.callback)
	open311.Mount(r, open311.Deps{Desk: d.Desk, DB: d.DB, Auth: d.Auth, Limits: d.Limits, Sandbox: d.Sandbox != nil, Wide: d.WideLimits, Home: s.district, Fault: s.faultOf,
		Photo: func(ctx context.Context, a auth.Actor, from io.Reader) (string, error) {
			photo, err := d.Photos.Process(ctx, from)
			if err != nil {
				return "", err
			}
			return s.store(ctx, a, photo)
		}})
	r.NoMethod(func(c *gin.Context) {
		if open311.Missing(c, http.StatusMethodNotAllowed) {
			return
		}
		s.problem(c, fault.New(http.StatusMethodNotAllowed, "METHOD", "不支持的请求方法"))
	})
	r.NoRoute(func(c *gin.Context) {
		if open311.Missing(c, http.StatusNotFound) {
			return
		}
		if len(c.Request.URL.Path) >= 5 && c.Request.URL.Path[:5] == "/api/" {
			s.problem(c, fault.NotFound())
			return
		}
		d.Pages.ServeHTTP(c.Writer, c.Request)
	})
	return r, nil
}

// district is where somebody without a session belongs: the host's district, else the only (first) one.
func (s *server) district(c *gin.Context) (string, error) {
	if d, ok := s.Hosts[c.Request.Host]; ok {
		return d, nil
	}
	if t := s.Desk.Worlds().Tenants(); len(t) > 0 {
		return t[0].District, nil
	}
	return "", fault.New(http.StatusServiceUnavailable, "NO_DISTRICT", "系统尚未配置辖区：请先运行 yixian demo 或导入辖区数据").After(5 * time.Second)
}

func ginOf(ctx context.Context) *gin.Context { return ctx.(*gin.Context) }

func actorOf(ctx context.Context) auth.Actor {
	a, _ := ctx.Value(actorKey).(auth.Actor)
	return a
}

func lang(ctx context.Context) string {
	if c, ok := ctx.(*gin.Context); ok {
		if l := c.GetHeader("Accept-Language"); len(l) >= 2 && l[:2] == "en" {
			return "en"
		}
	}
	return "zh"
}

func internal(err error) *fault.Error {
	return fault.New(http.StatusInternalServerError, "INTERNAL", "系统内部错误，请稍后重试").Because(err)
}

// Package scenario holds the acceptance scenarios of domain 4h as tests against the running program over HTTP.
package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/app"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

func TestMain(m *testing.M) {
	zone, err := time.LoadLocation(app.Zone)
	if err != nil {
		panic(err)
	}
	time.Local = zone
	os.Exit(m.Run())
}

// logTo takes the programs' logs; YIXIAN_TEST_LOG=1 shows them.
var logTo = func() io.Writer {
	if os.Getenv("YIXIAN_TEST_LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}()

// program is one running sandbox with its own database and fixture F.
type program struct {
	t    *testing.T
	base string
	data string // its directory
	db   *pgtest.Database
	cfg  app.Config
}

// start runs the whole program in this process until the test ends; with a writer, it logs there down to debug.
func start(t *testing.T, capture ...io.Writer) *program {
	t.Helper()
	t.Parallel()
	return startHere(t, capture...)
}

// startHere is start for a test that changes the environment and therefore runs by itself.
func startHere(t *testing.T, capture ...io.Writer) *program {
	t.Helper()
	return startWith(t, func(*app.Config) {}, capture...)
}

// startWith is startHere with settings of its own.
func startWith(t *testing.T, set func(*app.Config), capture ...io.Writer) *program {
	t.Helper()
	db := pgtest.New(t)
	cfg := sandboxOn(t, db)
	set(&cfg)
	return serve(t, db, cfg, capture...)
}

// sandboxOn is the configuration of a sandbox on a database of its own.
func sandboxOn(t *testing.T, db *pgtest.Database) app.Config {
	t.Helper()
	cfg, err := app.ReadConfig()
	require.NoError(t, err)
	cfg.Listen, cfg.AdminListen, cfg.Data, cfg.Sandbox, cfg.SandboxHere = "127.0.0.1:0", "", t.TempDir(), true, true
	cfg.DatabaseURL, cfg.DatabaseOwnerURL, cfg.DatabaseEngineURL = db.URL(pg.RoleApp), db.URL(pg.RoleOwner), db.URL(pg.RoleEngine)
	cfg.DatabaseConns = 8
	return cfg
}

// serve runs the whole program until the test ends.
func serve(t *testing.T, db *pgtest.Database, cfg app.Config, capture ...io.Writer) *program {
	t.Helper()
	log := slog.New(slog.NewTextHandler(logTo, nil))
	if len(capture) > 0 {
		log = slog.New(slog.NewTextHandler(capture[0], &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	ctx, cancel := context.WithCancel(context.Background())
	up, down := make(chan string, 1), make(chan error, 1)
	go func() {
		down <- app.Serve(ctx, cfg, log, func(a *app.App) { up <- a.Addr })
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-down)
	})
	select {
	case addr := <-up:
		return &program{t: t, base: "http://" + addr + "/api/v1", data: cfg.Data, db: db, cfg: cfg}
	case err := <-down:
		down <- nil
		t.Fatalf("the program did not start: %v", err)
		return nil
	}
}

type obj = map[string]any

// reply is an answer with its decoded body.
type reply struct {
	t      *testing.T
	Status int
	Body   obj
	Raw    []byte
	Header http.Header
}

func (r *reply) ok(status int) *reply {
	r.t.Helper()
	require.Equal(r.t, status, r.Status, "%s", r.Raw)
	return r
}

func (r *reply) code(status int, code string) *reply {
	r.t.Helper()
	require.Equal(r.t, status, r.Status, "%s", r.Raw)
	require.Equal(r.t, code, r.Body["code"], "%s", r.Raw)
	return r
}

func (r *reply) str(key string) string { s, _ := r.Body[key].(string); return s }

func (r *reply) list(key string) []obj {
	var out []obj
	items, _ := r.Body[key].([]any)
	for _, i := range items {
		out = append(out, i.(obj))
	}
	return out
}

// who is somebody signed in.
type who struct {
	p     *program
	token string
	host  string // which the browser shows; "" is the program's own address
}

func (w *who) do(method, path string, body any, header ...string) *reply {
	w.p.t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(w.p.t, err)
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(w.p.t.Context(), method, w.p.base+path, in)
	require.NoError(w.p.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return w.send(req)
}

func (w *who) send(req *http.Request) *reply {
	w.p.t.Helper()
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	req.Host = w.host
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.p.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(w.p.t, err)
	r := &reply{t: w.p.t, Status: resp.StatusCode, Raw: raw, Header: resp.Header, Body: obj{}}
	_ = json.Unmarshal(raw, &r.Body)
	return r
}

func (w *who) get(path string) *reply            { w.p.t.Helper(); return w.do("GET", path, nil) }
func (w *who) post(path string, body any) *reply { w.p.t.Helper(); return w.do("POST", path, body) }
func (w *who) act(id, action string, b obj) *reply {
	w.p.t.Helper()
	return w.post("/cases/"+id+"/actions/"+action, b)
}
func (w *who) thing(id string) *reply { w.p.t.Helper(); return w.get("/cases/" + id).ok(200) }
func (p *program) anyone() *who       { return &who{p: p} }
func (p *program) staff(name string) *who {
	p.t.Helper()
	r := p.anyone().post("/auth/login", obj{"username": name, "password": "sandbox-" + name}).ok(200)
	return &who{p: p, token: r.str("token")}
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// resident signs resN in by one-time code.
func (p *program) resident(n int) *who {
	p.t.Helper()
	phone := fmt.Sprintf("1390000000%d", n)
	p.anyone().post("/auth/otp", obj{"phone": phone}).ok(202)
	codes := p.messages(phone, "otp")
	require.NotEmpty(p.t, codes)
	code := sixDigits.FindString(codes[len(codes)-1]["text"].(string))
	r := p.anyone().post("/auth/otp/verify", obj{"phone": phone, "code": code}).ok(200)
	return &who{p: p, token: r.str("token")}
}

// messages lists what was sent to somebody (phone or username), of one event when given.
func (p *program) messages(to, event string) []obj {
	p.t.Helper()
	var out []obj
	for _, m := range p.anyone().get("/sandbox/messages?to=" + url.QueryEscape(to)).ok(200).list("items") {
		if event == "" || m["event"] == event {
			out = append(out, m)
		}
	}
	return out
}

// at moves the clock to a time of 2026 ("06-08 14:30").
func (p *program) at(when string) {
	p.t.Helper()
	t, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+when, time.Local)
	require.NoError(p.t, err)
	p.anyone().post("/sandbox/clock", obj{"set": t.Format(time.RFC3339)}).ok(200)
}

// near is a WGS-84 point in grid 350102004001001.
func near() obj { return obj{"lon": 119.3080, "lat": 26.0875, "datum": "WGS84"} }

// north moves a point by metres.
func north(p obj, metres float64) obj {
	return obj{"lon": p["lon"], "lat": p["lat"].(float64) + metres/111195, "datum": "WGS84"}
}

// report submits one and returns the receipt.
func (w *who) report(matter string, more ...obj) *reply {
	w.p.t.Helper()
	body := obj{"text": "请尽快派人来看一下", "matter": matter, "point": near()}
	for _, m := range more {
		maps.Copy(body, m)
	}
	return w.post("/reports", body)
}

// photo uploads a small picture of its own and returns its id.
func (w *who) photo() string {
	w.p.t.Helper()
	return w.upload("photo.jpg", smallPhoto(w.p.t)).ok(201).str("id")
}

func smallPhoto(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for x := range 64 {
		for y := range 48 {
			img.Set(x, y, color.RGBA{uint8(x * 4), uint8(y * 5), 120, 255})
		}
	}
	var raw bytes.Buffer
	require.NoError(t, jpeg.Encode(&raw, img, nil))
	return raw.Bytes()
}

func (w *who) upload(name string, content []byte) *reply {
	w.p.t.Helper()
	return w.send(w.form(w.p.t, "/media", content, name))
}

// form is an upload that has not been sent.
func (w *who) form(t *testing.T, path string, content []byte, name ...string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", append(name, "photo.jpg")[0])
	require.NoError(t, err)
	_, err = part.Write(content)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.p.base+path, &body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", form.FormDataContentType())
	return req
}

// done is the body of a complete result.
func (w *who) done() obj {
	w.p.t.Helper()
	return obj{"outcome": "RESOLVED", "accepted_at": "2026-06-08T09:00:00+08:00", "talked_to": "报案人", "measures": "已清理并复查", "time_limit": "当日完成", "media_ids": []string{w.photo()}}
}

// same compares an instant in an answer with a time of 2026.
func (p *program) same(got any, when string) {
	p.t.Helper()
	text, _ := got.(string)
	t, err := time.Parse(time.RFC3339, text)
	require.NoError(p.t, err, "%v", got)
	layout := "2006-01-02 15:04"
	if len(when) > len("06-08 15:00") {
		layout = "2006-01-02 15:04:05"
	}
	want, err := time.ParseInLocation(layout, "2026-"+when, time.Local)
	require.NoError(p.t, err)
	require.True(p.t, t.Equal(want), "got %s, want %s", t.In(time.Local), want)
}

// clock finds a clock of a case, one that has not stopped before one that has; unit "" is the case's own.
func clock(r *reply, kind, unit string) obj {
	r.t.Helper()
	var found obj
	for _, k := range r.list("clocks") {
		u, _ := k["unit"].(string)
		if k["kind"] == kind && u == unit && (found == nil || found["state"] == "STOPPED") {
			found = k
		}
	}
	require.NotNil(r.t, found, "%s clock of %q", kind, unit)
	return found
}

// target finds a unit's row of the last call.
func target(r *reply, unit string) obj {
	r.t.Helper()
	call, _ := r.Body["call"].(obj)
	require.NotNil(r.t, call)
	for _, t := range call["targets"].([]any) {
		if t.(obj)["unit"] == unit {
			return t.(obj)
		}
	}
	r.t.Fatalf("no target %s", unit)
	return nil
}

func actions(r *reply) []string {
	var out []string
	for _, a := range r.list("allowed_actions") {
		out = append(out, a["action"].(string))
	}
	return out
}

// nowStamp is the real time as signatures carry it.
func nowStamp() string { return strconv.FormatInt(time.Now().Unix(), 10) }

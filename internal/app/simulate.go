package app

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/life"
	"yixian/internal/media"
	"yixian/internal/pg"
)

// Simulation is what `yixian demo --simulate` plays.
type Simulation struct {
	Days   int
	PerDay int // reports of a working day
	Seed   uint64
}

// beat is how often the engine works in a simulated life: once a minute instead of at every instant, so that sixty days take minutes.
// What rings within a minute is heard at its end, which the engine does not call late.
const beat = time.Minute

// Simulate is `yixian demo --simulate=60d`: the demo district lives through some days, weekends, holidays and nights included. It
// uses the sandbox's data, because only a sandbox has a clock that can be moved, and an empty one, because it overwrites nothing.
// At the end everything is audited: ErrRefused when anything is found, a chain is broken or the conservation law is not true.
func Simulate(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, s Simulation) error {
	if s.Days < 1 || s.Days > 366 || s.PerDay < 1 {
		return usage("--simulate 应为 1d–366d，例如 60d；--per-day 至少为 1 / --simulate takes 1d to 366d, such as 60d, --per-day at least 1")
	}
	cfg.Sandbox = true
	if err := cfg.finish(); err != nil {
		return err
	}
	a, err := Open(ctx, cfg, slog.New(quiet{log.Handler()}), false)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	if len(a.worlds.Tenants()) > 0 {
		return fault.Conflict("NOT_EMPTY", "练习数据目录中已有辖区，模拟不会覆盖它；请换一个 --data，或删除其中的 sandbox 目录")
	}
	if err := a.wire(ctx); err != nil {
		return err
	}
	if err := a.river.Start(ctx); err != nil {
		return err
	}
	a.closers = append(a.closers, func(ctx context.Context) {
		stop, done := context.WithTimeout(ctx, 30*time.Second)
		defer done()
		_ = a.river.Stop(stop)
	})
	from, _, err := a.reset(ctx, "demo", false, false)
	if err != nil {
		return err
	}
	began := time.Now()
	l, err := a.lively(ctx, life.Plan{From: from, Days: s.Days, PerDay: s.PerDay, Seed: s.Seed})
	if err != nil {
		return err
	}
	until := from.AddDate(0, 0, s.Days)
	if err := a.live(ctx, l, from, until, w); err != nil {
		return err
	}
	return a.lived(ctx, w, l, s, time.Since(began))
}

// quiet drops what a simulated life would say thousands of times: the texts of messages, which practice prints.
type quiet struct{ slog.Handler }

// Enabled lets warnings and errors through.
func (quiet) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// WithAttrs stays quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup stays quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// lively plans a life of the demo district.
func (a *App) lively(ctx context.Context, plan life.Plan) (*life.Life, error) {
	store, closeStore, err := media.OpenStore(a.cfg.PhotoStore)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func(context.Context) { closeStore() })
	a.photos = store
	album, err := newAlbum(ctx)
	if err != nil {
		return nil, err
	}
	signIn := func(ctx context.Context, phone string) (auth.Actor, error) {
		code, err := a.auth.RequestOTP(ctx, grid.DemoDistrict, phone, "", nil)
		if err != nil {
			return auth.Actor{}, err
		}
		_, who, err := a.auth.VerifyOTP(ctx, auth.Actor{}, grid.DemoDistrict, phone, code)
		return who, err
	}
	photo := func(ctx context.Context, who auth.Actor, n uint64) (string, error) {
		return a.upload(ctx, who, album, n)
	}
	return life.New(ctx, life.District{Code: grid.DemoDistrict, Desk: a.desk, DB: a.Engine, SignIn: signIn, Photo: photo}, plan)
}

// live lets time pass from one thing that happens to the next: an act of somebody, or a clock, message or office that is due.
func (a *App) live(ctx context.Context, l *life.Life, from, until time.Time, w io.Writer) error {
	clock, err := a.newInstant(ctx, from)
	if err != nil {
		return err
	}
	defer clock.close(context.WithoutCancel(ctx))
	week := from
	for now := from; ; {
		at, busy := l.Next()
		if busy && at.Before(until) && at.Truncate(beat).Equal(now.Truncate(beat)) { // within the same minute
			now = later(now, at)
			if err := clock.set(ctx, now); err != nil {
				return err
			}
			if err := l.Act(ctx, now); err != nil {
				return err
			}
			continue
		}
		if err := a.engine.Work(ctx); err != nil {
			return err
		}
		next := until
		if busy && at.Before(next) {
			next = at
		}
		due, ok, err := a.engine.NextDue(ctx)
		if err != nil {
			return err
		}
		if due = due.Add(beat - 1).Truncate(beat); ok && due.Before(next) {
			next = due
		}
		if at, ok := a.worlds.NextChange(); ok && at.Before(next) {
			next = at
		}
		if now = later(now, next); !now.Before(week.AddDate(0, 0, 7)) || now.Equal(until) {
			week = now
			fmt.Fprintf(w, "%s  上报 reports %d  动作 acts %d\n", now.In(from.Location()).Format("2006-01-02"), l.Reports, sum(l.Acts))
		}
		if err := clock.set(ctx, now); err != nil {
			return err
		}
		if ok && !due.After(now) {
			if err := a.engine.Work(ctx); err != nil {
				return err
			}
		}
		if !now.Before(until) {
			if err := a.stand(ctx, now); err != nil {
				return err
			}
			return a.engine.Settle(ctx)
		}
		if err := a.worlds.Refresh(ctx, now); err != nil {
			return err
		}
		if err := l.Act(ctx, now); err != nil {
			return err
		}
	}
}

// instant is a clock that stands in a row. To move the clock by its function, as stand does, makes every connection plan all its
// statements again: more work than a step of a simulated life is itself.
type instant struct{ conn *pgx.Conn }

func (a *App) newInstant(ctx context.Context, at time.Time) (*instant, error) {
	conn, err := pgx.Connect(ctx, a.owner)
	if err != nil {
		return nil, err
	}
	i := &instant{conn}
	if _, err = conn.Exec(ctx, `drop table if exists yx_instant; create table yx_instant (at timestamptz not null); grant select on yx_instant to public`); err == nil {
		_, err = conn.Exec(ctx, "insert into yx_instant values ($1)", at)
	}
	if err == nil {
		_, err = conn.Exec(ctx, "set synchronous_commit = off; create or replace function yx_now() returns timestamptz language sql stable parallel safe as 'select at from public.yx_instant'")
	}
	if err != nil {
		i.close(context.WithoutCancel(ctx))
		return nil, err
	}
	return i, nil
}

func (i *instant) set(ctx context.Context, at time.Time) error {
	_, err := i.conn.Exec(ctx, "update yx_instant set at = $1", at)
	return err
}

// close lets the clock stand where it is, for whoever serves these data next.
func (i *instant) close(ctx context.Context) {
	var at time.Time
	if i.conn.QueryRow(ctx, "select at from yx_instant").Scan(&at) == nil {
		if _, err := i.conn.Exec(ctx, standSQL(at)); err == nil {
			_, _ = i.conn.Exec(ctx, "drop table yx_instant")
		}
	}
	_ = i.conn.Close(ctx)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// livedSQL are the figures of the end, of the rows and not of what the players believe.
const livedSQL = `select (select count(*) from cases), (select count(*) from case_event), (select count(*) from call), (select count(*) from call_target where checked_in_at is not null), (select count(*) from case_return),
	(select count(*) from cases where disputed_at is not null), (select count(*) from case_event where action = 'approve' and to_state = 'SUSPENDED'), (select count(*) from case_event where action = 'reopen'),
	(select count(*) from incident), (select count(*) from cases where drill), (select count(*) from rating), (select count(*) from card), (select count(*) from message),
	(select count(*) from message where state in ('PENDING','FAILED') and due_at <= yx_now()), (select count(*) from outbox_parked),
	(select coalesce(jsonb_object_agg(state, n), '{}') from (select state, count(*) as n from cases group by state) s)`

// lived audits what a life has left and prints its figures.
func (a *App) lived(ctx context.Context, w io.Writer, l *life.Life, s Simulation, took time.Duration) error {
	var n [15]int64
	var states map[dispatch.State]int64
	into := make([]any, 0, len(n)+1)
	for i := range n {
		into = append(into, &n[i])
	}
	if err := a.Engine.Pool.QueryRow(ctx, livedSQL).Scan(append(into, &states)...); err != nil {
		return pg.Fault(err)
	}
	illegal := int64(0)
	for state, count := range states {
		if !slices.Contains(dispatch.States, state) {
			illegal += count
		}
	}
	fmt.Fprintf(w, "动作 acts: %s\n拒绝 refused: %s\n状态 states: %s\n", counted(l.Acts), counted(l.Refused), counted(states))
	ok, err := a.auditTo(ctx, w, "")
	if err != nil {
		return err
	}
	ok = ok && illegal == 0 && n[13] == 0 && n[14] == 0
	fmt.Fprintf(w, "RESULT name=simulate days=%d seed=%d seconds=%.0f reports=%d cases=%d events=%d calls=%d check_ins=%d returns=%d disputes=%d suspensions=%d reopenings=%d incidents=%d drill_cases=%d ratings=%d cards=%d messages=%d undelivered=%d parked=%d illegal_states=%d ok=%t\n",
		s.Days, s.Seed, took.Seconds(), l.Reports, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], n[13], n[14], illegal, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

func counted[K ~string, V int | int64](m map[K]V) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s=%d", k, m[k]))
	}
	return strings.Join(out, " ")
}

// newAlbum makes the few plain pictures that everybody uploads: a colour, a road, a number of posts.
func newAlbum(ctx context.Context) ([]*media.Photo, error) {
	const width, height = 320, 240
	studio := media.NewProcessor(media.Limits{})
	var out []*media.Photo
	for n := range 8 {
		img := image.NewRGBA(image.Rect(0, 0, width, height))
		draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{uint8(90 + 18*n), uint8(150 - 9*n), uint8(110 + 11*n), 255}), image.Point{}, draw.Src)
		draw.Draw(img, image.Rect(0, height*2/3, width, height), image.NewUniform(color.RGBA{70, 74, 80, 255}), image.Point{}, draw.Src)
		for post := range n + 1 {
			draw.Draw(img, image.Rect(20+36*post, height/4, 32+36*post, height*2/3), image.NewUniform(color.RGBA{235, 235, 225, 255}), image.Point{}, draw.Src)
		}
		var raw bytes.Buffer
		if err := jpeg.Encode(&raw, img, nil); err != nil {
			return nil, err
		}
		photo, err := studio.Process(ctx, &raw)
		if err != nil {
			return nil, err
		}
		out = append(out, photo)
	}
	return out, nil
}

// upload stores one of the album's pictures as somebody's own. Of a picture that was drawn there is no private original; its likeness
// is drawn too, so that equal pictures do not make cases look alike.
func (a *App) upload(ctx context.Context, who auth.Actor, album []*media.Photo, n uint64) (string, error) {
	p, id := album[n%uint64(len(album))], media.NewID()
	for variant, blob := range map[media.Variant][]byte{media.Full: p.Full, media.Thumb: p.Thumb} {
		if err := a.photos.Put(ctx, media.Key(id, variant), bytes.NewReader(blob)); err != nil {
			return "", err
		}
	}
	var device any
	if who.Device != uuid.Nil {
		device = who.Device
	}
	_, err := a.App.Pool.Exec(pg.WithDistrict(ctx, who.District), `insert into media (district, id, device, account_id, width, height, bytes, sha256, likeness, original_gone_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,now())`,
		who.District, id, device, who.Account, p.Width, p.Height, len(p.Full), p.SHA256[:], int64(n))
	return id, pg.Fault(err)
}

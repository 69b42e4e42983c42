package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/seal"
)

const (
	liveClients = 5000
	liveRounds  = 15
	liveGoal    = 2.0
	liveRate    = 17 // submissions in a second; each is three events
	liveFor     = 10 * time.Second
)

// benchLive measures how fast live events reach many readers, and the way from the commit to screen and provider. 5,000 staff streams
// stay open on `yixian serve`; the fan-out of an event is the time from the first reader that has it to each of them, its 99th
// percentile is compared with that of a raw loop which writes to 5,000 sockets what 5,000 readers read, in rounds that take turns.
func benchLive(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, admin, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	s := &submitter{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	if s.tokens, err = a.crowdOfResidents(ctx, admin, 2000); err != nil {
		return err
	}
	if s.cases, err = a.benchCases(ctx, 500); err != nil {
		return err
	}
	token, err := dispatcherSession(ctx, admin)
	if err != nil {
		return err
	}
	p, err := a.child(ctx, "all")
	if err != nil {
		return err
	}
	defer p.stop()
	s.url = p.url
	for range 50 { // caches, plans, heap
		if err := s.post(ctx, rand.New(rand.NewPCG(1, 2))); err != nil {
			return err
		}
	}
	empty, err := residentKB(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	crowd := &liveCrowd{seen: map[uuid.UUID][]time.Time{}}
	defer crowd.end()
	if err := crowd.join(ctx, p.url, token, liveClients); err != nil {
		return err
	}
	full, err := residentKB(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	raw, err := newRawLoop(liveClients)
	if err != nil {
		return err
	}
	defer raw.end()
	var live, loop, ratios []float64
	for range liveRounds {
		crowd.forget()
		if err := s.post(ctx, rand.New(rand.NewPCG(rand.Uint64(), 1))); err != nil {
			return err
		}
		spread, err := crowd.spread(ctx)
		if err != nil {
			return err
		}
		least, err := raw.round()
		if err != nil {
			return err
		}
		live, loop, ratios = append(live, spread), append(loop, least), append(ratios, spread/least)
	}
	busy, err := residentKB(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	low, high := bootstrap(ratios)
	each := float64(full-empty) / liveClients
	fmt.Fprintf(t, "streams\t%d\t%.1f kB each (goal 30); with the buffers of %d events %.1f\n", liveClients, each, liveRounds, float64(busy-empty)/liveClients)
	fmt.Fprintf(t, "an event at 99 %% of the streams after the first\t%.0f ms\tmedian of %d events\n", median(live), len(live))
	fmt.Fprintf(t, "the same by a raw loop over %d sockets\t%.0f ms\t\n", liveClients, median(loop))
	fmt.Fprintf(t, "ratio\t%.2f\t95 %% interval %.2f–%.2f\n", median(ratios), low, high)
	crowd.end()
	screen, provider, err := liveWay(ctx, s, admin, p.url, token)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "at %d events a second: event written → on a screen\tp50 %.0f ms\tp99 %.0f ms (goal 300)\n", 3*liveRate, percentile(screen, 50), percentile(screen, 99))
	fmt.Fprintf(t, "event written → handed to the provider\tp50 %.0f ms\tp99 %.0f ms (goal 2000)\n", percentile(provider, 50), percentile(provider, 99))
	if err := t.Flush(); err != nil {
		return err
	}
	ok := median(ratios) <= liveGoal && each <= 30
	fmt.Fprintf(w, "RESULT name=live ratio=%.2f goal=%.1f ok=%t\n", median(ratios), liveGoal, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// dispatcherSession signs a dispatcher in, as a password would have.
func dispatcherSession(ctx context.Context, admin *pgx.Conn) (string, error) {
	var account uuid.UUID
	if err := admin.QueryRow(ctx, "select account_id from role_binding where district = $1 and role = $2 order by account_id limit 1", grid.DemoDistrict, auth.RoleDispatcher).Scan(&account); err != nil {
		return "", err
	}
	secret := seal.Token()
	_, err := admin.Exec(ctx, "insert into session (district, hash, account_id, kind, device, expires_at, idle_seconds) values ($1, $2, $3, 'STAFF', $4, now() + interval '1 day', 86400)",
		grid.DemoDistrict, seal.TokenHash(secret), account, uuid.Must(uuid.NewV7()))
	return grid.DemoDistrict + "." + secret, err
}

// residentKB is what a process holds in memory, in kB.
func residentKB(pid int) (int, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("/proc/%d/status tells no VmRSS", pid)
}

// liveCrowd are readers of the stream; each keeps when it saw an event for the first time.
type liveCrowd struct {
	conns []net.Conn
	mu    sync.Mutex
	seen  map[uuid.UUID][]time.Time
}

func (c *liveCrowd) join(ctx context.Context, url, token string, n int) error {
	host := strings.TrimPrefix(url, "http://")
	for range n {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", host)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
		if _, err := fmt.Fprintf(conn, "GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", host, token); err != nil {
			return err
		}
		r := bufio.NewReaderSize(conn, 512)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return fmt.Errorf("the stream did not begin: %w", err)
			}
			if strings.HasPrefix(line, ": connected") {
				break
			}
		}
		go c.read(r)
	}
	return nil
}

func (c *liveCrowd) read(r *bufio.Reader) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		text, ok := strings.CutPrefix(line, "id: ")
		if !ok {
			continue
		}
		at := time.Now()
		if id, err := uuid.Parse(strings.TrimSpace(text)); err == nil {
			c.mu.Lock()
			c.seen[id] = append(c.seen[id], at)
			c.mu.Unlock()
		}
	}
}

func (c *liveCrowd) forget() {
	c.mu.Lock()
	clear(c.seen)
	c.mu.Unlock()
}

// spread waits until every reader has one and the same event and gives the 99th percentile of the time after the first, in ms.
func (c *liveCrowd) spread(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c.mu.Lock()
		for _, at := range c.seen {
			if len(at) == len(c.conns) {
				first := slices.MinFunc(at, time.Time.Compare)
				after := make([]float64, len(at))
				for i := range at {
					after[i] = float64(at[i].Sub(first).Microseconds()) / 1000
				}
				c.mu.Unlock()
				return percentile(after, 99), nil
			}
		}
		c.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("an event did not reach all %d streams", len(c.conns))
		}
	}
}

func (c *liveCrowd) end() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// percentile of a list that is not empty.
func percentile(list []float64, p int) float64 {
	s := slices.Sorted(slices.Values(list))
	return s[min(len(s)-1, len(s)*p/100)]
}

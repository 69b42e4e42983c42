package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/grid"
)

// rawLoop is the least that any fan-out does: one write into each of n sockets, one reader at each other end.
type rawLoop struct {
	out, in []net.Conn
	got     chan time.Time
}

const rawLine = "id: 0190c2f4-0000-7000-8000-000000000000\ndata: {\"id\":\"0190c2f4-0000-7000-8000-000000000000\",\"kind\":\"submit\",\"state\":\"SUBMITTED\",\"version\":1}\n\n"

func newRawLoop(n int) (*rawLoop, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = listener.Close() }()
	l := &rawLoop{got: make(chan time.Time, n)}
	for range n {
		in, err := new(net.Dialer).DialContext(context.Background(), "tcp", listener.Addr().String())
		if err != nil {
			return l, err
		}
		out, err := listener.Accept()
		if err != nil {
			return l, err
		}
		l.in, l.out = append(l.in, in), append(l.out, out)
		go func() {
			for r := bufio.NewReaderSize(in, 512); ; {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
				at := time.Now()
				for range 2 {
					if _, err := r.ReadString('\n'); err != nil {
						return
					}
				}
				l.got <- at
			}
		}()
	}
	return l, nil
}

// round gives the 99th percentile of the time after the first reader, in ms.
func (l *rawLoop) round() (float64, error) {
	var all sync.WaitGroup
	failed := make(chan error, 1)
	all.Go(func() {
		for _, c := range l.out {
			if _, err := c.Write([]byte(rawLine)); err != nil {
				failed <- err
				return
			}
		}
	})
	at := make([]time.Time, 0, len(l.out))
	for range l.out {
		select {
		case x := <-l.got:
			at = append(at, x)
		case err := <-failed:
			return 0, err
		case <-time.After(30 * time.Second):
			return 0, errors.New("the raw loop stands still")
		}
	}
	all.Wait()
	first := at[0]
	for _, x := range at {
		if x.Before(first) {
			first = x
		}
	}
	after := make([]float64, len(at))
	for i, x := range at {
		after[i] = float64(x.Sub(first).Microseconds()) / 1000
	}
	return percentile(after, 99), nil
}

func (l *rawLoop) end() {
	for i := range l.in {
		_, _ = l.in[i].Close(), l.out[i].Close()
	}
}

// liveWay submits at a steady rate while one screen listens, and gives the ms from the writing of an event (the instant inside its id) to
// the screen and to the provider's acknowledgement of a text message.
func liveWay(ctx context.Context, s *submitter, admin *pgx.Conn, url, token string) (screen, provider []float64, err error) {
	one := &liveCrowd{seen: map[uuid.UUID][]time.Time{}}
	defer one.end()
	if err := one.join(ctx, url, token, 1); err != nil {
		return nil, nil, err
	}
	begin := time.Now()
	tick := time.NewTicker(time.Second / liveRate)
	defer tick.Stop()
	var all sync.WaitGroup
	var mu sync.Mutex
	for time.Since(begin) < liveFor {
		<-tick.C
		all.Go(func() {
			if fail := s.post(ctx, rand.New(rand.NewPCG(rand.Uint64(), 3))); fail != nil {
				mu.Lock()
				err = fail
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err != nil {
		return nil, nil, err
	}
	var waiting int
	for end := time.Now().Add(time.Minute); ; {
		if err := admin.QueryRow(ctx, "select (select count(*) from outbox) + (select count(*) from message where state = 'PENDING' and queued)").Scan(&waiting); err != nil {
			return nil, nil, err
		}
		if waiting == 0 {
			break
		}
		if time.Now().After(end) {
			return nil, nil, fmt.Errorf("%d messages are still on their way", waiting)
		}
		time.Sleep(100 * time.Millisecond)
	}
	one.mu.Lock()
	for id, at := range one.seen {
		screen = append(screen, float64(at[0].Sub(eventInstant(id)).Microseconds())/1000)
	}
	one.mu.Unlock()
	rows, err := admin.Query(ctx, "select event_id, sent_at from message where district = $1 and channel = 'SMS' and state = 'SENT' and created_at >= $2", grid.DemoDistrict, begin)
	if err != nil {
		return nil, nil, err
	}
	var id uuid.UUID
	var sent time.Time
	if _, err := pgx.ForEachRow(rows, []any{&id, &sent}, func() error {
		provider = append(provider, float64(sent.Sub(eventInstant(id)).Microseconds())/1000)
		return nil
	}); err != nil {
		return nil, nil, err
	}
	if len(screen) == 0 || len(provider) == 0 {
		return nil, nil, fmt.Errorf("nothing arrived: %d on screens, %d at the provider", len(screen), len(provider))
	}
	return screen, provider, nil
}

// eventInstant is the time inside a UUIDv7.
func eventInstant(id uuid.UUID) time.Time {
	sec, ns := id.Time().UnixTime()
	return time.Unix(sec, ns)
}

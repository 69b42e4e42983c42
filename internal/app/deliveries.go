package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"yixian/internal/channel"
	"yixian/internal/pg"
	"yixian/notify"
)

// Metrics of telling people; docs/notifications.md says which alarms to set on them.
var (
	deliveries = promauto.NewCounterVec(prometheus.CounterOpts{Name: "yixian_deliveries_total", Help: "Attempts to hand a message to a provider, by outcome (OK, FAILED, UNCLEAR, REFUSED)."}, []string{"channel", "provider", "outcome"})
	handOver   = promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "yixian_hand_over_seconds", Help: "From the commit of a message to the provider's acceptance.", Buckets: []float64{.05, .1, .25, .5, 1, 2, 5, 15, 60, 300, 1800}}, []string{"channel"})
	parked     = promauto.NewGaugeVec(prometheus.GaugeOpts{Name: "yixian_parked", Help: "Messages and events that wait for a person."}, []string{"what"})
)

func observeDelivery(channel, provider, outcome string, after time.Duration) {
	deliveries.WithLabelValues(channel, provider, outcome).Inc()
	if outcome == "OK" {
		handOver.WithLabelValues(channel).Observe(after.Seconds())
	}
}

// parkedEvery is how often what is parked is counted.
const parkedEvery = 15 * time.Second

// watchParked keeps the gauge of what waits for a person.
func (a *App) watchParked() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(parkedEvery)
		defer tick.Stop()
		for {
			var messages, events float64
			if err := a.Engine.Pool.QueryRow(ctx, "select (select count(*) from message where state = 'FAILED'), (select count(*) from outbox_parked)").Scan(&messages, &events); err == nil {
				parked.WithLabelValues("messages").Set(messages)
				parked.WithLabelValues("events").Set(events)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	a.closers = append(a.closers, func(context.Context) { cancel(); <-done })
}

// pushDistrict stands where a district stands in the seal of a thing that belongs to the whole installation.
const (
	pushDistrict = "000000"
	fieldPush    = "push.key"
)

// pushKey reads the installation's pair for Web Push, or makes it: of two processes that make one at once, one wins for both.
func (a *App) pushKey(ctx context.Context, g channel.Guard, channels notify.Channels) error {
	public, private, err := channel.NewPushKeys()
	if err != nil {
		return fmt.Errorf("push key: %w", err)
	}
	sealed, err := a.keys.Seal(pushDistrict, fieldPush, private)
	if err != nil {
		return fmt.Errorf("push key: %w", err)
	}
	err = a.Engine.Pool.QueryRow(ctx, `insert into push_key as k (one, public, private_enc) values (true, $1, $2) on conflict (one) do update set public = k.public returning public, private_enc`,
		public, sealed).Scan(&a.push, &sealed)
	if err != nil {
		return pg.Fault(err)
	}
	if private, err = a.keys.Open(pushDistrict, fieldPush, sealed); err != nil {
		return fmt.Errorf("push key: %w", err)
	}
	channels[notify.Push] = channel.NewWebPush(g, a.push, private, a.cfg.PublicURL)
	return nil
}

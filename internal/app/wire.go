package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/channel"
	"yixian/internal/local"
	"yixian/internal/web"
	"yixian/notify"
)

// deliverers is how many messages are on their way to providers at once. River takes at most so many jobs at each of its fetches, and one
// provider that answers nobody may hold all of them: eight made 160 messages a second the most.
const deliverers = 128

// wire builds the moving parts on top of Open: Redis, messages, engine, the door.
func (a *App) wire(ctx context.Context) error {
	if a.cfg.RedisURL != "" {
		client, err := cache.Connect(a.cfg.RedisURL)
		if err != nil {
			return err
		}
		a.redis = client
	} else {
		server, err := local.StartRedis(ctx, local.RedisOptions{Log: a.log})
		if err != nil {
			a.log.Warn("no redis: limits and live updates stay in this process", "cause", err.Error())
		} else {
			a.closers = append(a.closers, func(ctx context.Context) { _ = server.Stop(ctx) })
			o := server.Options()
			address := url.URL{Scheme: "redis", User: url.UserPassword("", o.Password), Host: o.Addr}
			if o.Network == "unix" {
				address = url.URL{Scheme: "unix", Path: o.Addr}
			}
			client, err := cache.Connect(address.String())
			if err != nil {
				return err
			}
			a.redis = client
		}
	}
	if a.redis != nil {
		a.closers = append(a.closers, func(context.Context) { _ = a.redis.Close() })
	}
	a.limits = cache.NewLimits(a.redis)
	if a.cfg.Sandbox {
		a.limits.Patient(time.Second) // limits that are practised count to the number, however busy the machine is
	}
	a.fanout = cache.NewFanout(ctx, a.redis)
	if err := a.people(); err != nil {
		return err
	}
	a.wide.Store(a.cfg.Sandbox)

	channels, err := a.channels()
	if err != nil {
		return err
	}
	guard := channel.Guard{Inside: a.cfg.OutboundHosts}
	if err := a.pushKey(ctx, guard, channels); err != nil {
		return err
	}
	providers := notify.NewProviders(a.keys, channel.Kinds(guard), channels, time.Now)
	workers := river.NewWorkers()
	river.AddWorker(workers, notify.NewDeliverWorker(a.Engine, a.keys, providers, observeDelivery, a.log))
	rc := &river.Config{Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: deliverers}}, JobTimeout: 30 * time.Second, RescueStuckJobsAfter: 60 * time.Second,
		FetchCooldown: 50 * time.Millisecond, FetchPollInterval: 5 * time.Second, ReindexerSchedule: never{}, Logger: slog.New(slog.DiscardHandler)}
	if a.cfg.Sandbox {
		rc.FetchCooldown, rc.FetchPollInterval = 5*time.Millisecond, 50*time.Millisecond
	}
	if a.river, err = river.NewClient(riverpgxv5.New(a.Engine.Pool), rc); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	a.post = notify.New(notify.Config{DB: a.Engine, River: a.river, Keys: a.keys, Links: a.cfg.PublicURL, KeepCodes: a.cfg.Sandbox, Log: a.log, Providers: providers})
	a.watchParked()
	a.sysDesk = dispatch.NewDesk(a.Engine, a.keys, a.worlds, nil)
	a.planner = dispatch.NewPlanner(a.Engine, a.sysDesk, a.post, a.keys, a.publish, a.log)
	a.engine = dispatch.NewEngine(a.Engine, a.planner, a.post, a.log)
	a.auditor = dispatch.NewAuditor(a.Engine, a.log)
	a.desk = dispatch.NewDesk(a.App, a.keys, a.worlds, a.engine.Poke)
	return nil
}

// office is where administrators keep who answers for what.
func (a *App) office() *grid.Office {
	return grid.NewOffice(a.App, a.worlds.Index, dispatch.UnitWork, func(ctx context.Context) error { return a.worlds.Load(context.WithoutCancel(ctx)) })
}

// people builds sign-in; commands that only load accounts need no more than this.
func (a *App) people() error {
	if a.limits == nil {
		a.limits = cache.NewLimits(a.redis)
	}
	a.auth = auth.NewStore(a.App, a.keys, a.limits, auth.Options{Sandbox: a.cfg.Sandbox, OTPBudget: cache.Rate{Count: a.cfg.OTPPerHour, Per: time.Hour}, Log: a.log})
	return nil
}

// never is a schedule that does not come: River's reindexer needs to own the tables, which the engine's role does not.
type never struct{}

func (never) Next(t time.Time) time.Time { return t.AddDate(100, 0, 0) }

func (a *App) channels() (notify.Channels, error) {
	switch {
	case a.cfg.SMSURL != "":
		c, err := channel.NewHTTPSMS(a.cfg.SMSURL, []byte(a.cfg.SMSSecret))
		if err != nil {
			return nil, err
		}
		return notify.Channels{notify.SMS: c, notify.Voice: channel.NewConsoleSMS(a.log, a.cfg.Sandbox)}, nil
	case a.cfg.SMSFile != "":
		c, err := channel.OpenFileSMS(a.cfg.SMSFile)
		if err != nil {
			return nil, err
		}
		a.closers = append(a.closers, func(context.Context) { _ = c.Close() })
		return notify.Channels{notify.SMS: c, notify.Voice: c}, nil
	}
	// With neither set, demo and practice print the text: somebody has to read the code.
	c := channel.NewConsoleSMS(a.log, a.cfg.Sandbox || a.cfg.Demo)
	return notify.Channels{notify.SMS: c, notify.Voice: c}, nil
}

func (a *App) publish(ctx context.Context, n dispatch.Notice) {
	raw, err := json.Marshal(n)
	if err != nil {
		return
	}
	a.fanout.Publish(ctx, web.LiveChannel(n.District), raw)
}

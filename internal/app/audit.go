package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"yixian/dispatch"
)

// Audit is `yixian audit`: everything that must hold of the rows, every chain, and the conservation law of each district.
// Each finding is one line; the exit code is 1 when there is any.
func Audit(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, tenant string) error {
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	ok, err := a.auditTo(ctx, w, tenant)
	if err == nil && !ok {
		err = ErrRefused
	}
	return err
}

func (a *App) auditTo(ctx context.Context, w io.Writer, tenant string) (ok bool, err error) {
	found, err := dispatch.Audit(ctx, a.Engine, tenant)
	if err != nil {
		return false, err
	}
	for _, f := range found.Findings {
		fmt.Fprintf(w, "FINDING check=%s district=%s thing=%s detail=%q\n", f.Check, f.District, f.Thing, f.Detail)
	}
	v, err := dispatch.VerifyChains(ctx, a.Engine, tenant)
	broken, isBroken := errors.AsType[*dispatch.Broken](err)
	switch {
	case isBroken:
		fmt.Fprintf(w, "BROKEN district=%s case=%s event=%d reason=%q\n", broken.District, broken.Case, broken.Seq, broken.Reason)
	case err != nil:
		return false, err
	default:
		fmt.Fprintf(w, "CHAINS cases=%d events=%d ok=true\n", v.Cases, v.Events)
	}
	for i := range found.Laws {
		fmt.Fprintln(w, found.Laws[i].String())
	}
	ok = len(found.Findings) == 0 && !isBroken
	fmt.Fprintf(w, "RESULT name=audit findings=%d checks=%d ok=%t\n", len(found.Findings), dispatch.AuditChecks(), ok)
	return ok, nil
}

// deep answers /healthz/deep: how every district is. It is asked of any process, the one that looks is an engine's.
func (a *App) deep(ctx context.Context) ([]dispatch.Pulse, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	list, err := a.auditor.Pulses(ctx)
	if err != nil {
		return nil, false, err
	}
	for i := range list {
		if !list[i].Healthy {
			return list, false, nil
		}
	}
	return list, true, nil
}

// gauges tells the same to Prometheus, which asks when it likes: yixian_audit_age_seconds is the dead man's switch.
type gauges struct {
	pulses                     func(context.Context) ([]dispatch.Pulse, error)
	up, age, findings, reports *prometheus.Desc
}

func newGauges(a *App) *gauges {
	return &gauges{a.auditor.Pulses,
		prometheus.NewDesc("yixian_audit_healthy", "1 when everything that must hold of a district's rows holds and somebody looks", []string{"district"}, nil),
		prometheus.NewDesc("yixian_audit_age_seconds", "seconds since somebody looked; -1: never", []string{"district"}, nil),
		prometheus.NewDesc("yixian_audit_findings", "rows that break a check, at most 50 of each", []string{"district", "check"}, nil),
		prometheus.NewDesc("yixian_reports", "reports by the place where they are (the conservation law)", []string{"district", "place"}, nil)}
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.up, g.age, g.findings, g.reports} {
		ch <- d
	}
}

// Collect is part of prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	list, err := g.pulses(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(g.up, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, p := range list {
		up := 0.0
		if p.Healthy {
			up = 1
		}
		gauge(g.up, up, p.District)
		gauge(g.age, float64(p.AgeS), p.District)
		for check, n := range p.Findings {
			gauge(g.findings, float64(n), p.District, check)
		}
		if l := p.Law; l != nil {
			for place, n := range map[string]int64{"received": l.Received, "routed": l.Routed, "fallback": l.Fallback, "rejected": l.Rejected, "awaiting_review": l.AwaitingReview, "lost": l.Lost} {
				gauge(g.reports, float64(n), p.District, place)
			}
		}
	}
}

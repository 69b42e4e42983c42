package web

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"yixian/api"
	"yixian/internal/pg"
)

// started is when this process began; like the revision, it belongs to the machine and not to the cases' clock.
var started = time.Now()

// revision is the commit that this program was built of, "" when it was built of none.
var revision = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	out, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			out = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	return out + dirty
})

func (s *server) Machine(ctx context.Context, _ api.MachineRequestObject) (api.MachineResponseObject, error) {
	m, err := s.Desk.Machine(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	want, err := pg.ExpectedVersion()
	if err != nil {
		return nil, err
	}
	out := api.Machine200JSONResponse{Now: m.Now, Program: revision(), Go: runtime.Version(), Postgres: m.Postgres, Schema: m.Schema, ExpectedSchema: want, Started: started, DatabaseStarted: m.Started, DatabaseBytes: m.Database,
		Photos: m.Photos, PhotoBytes: m.PhotoBytes, Cache: s.Presence.Shared(ctx)}
	for _, t := range m.Tables {
		out.Tables = append(out.Tables, struct {
			Bytes int64  `json:"bytes"`
			Name  string `json:"name"`
			Rows  int64  `json:"rows"`
		}{t.Bytes, t.Name, t.Rows})
	}
	for _, q := range m.Queues {
		out.Queues = append(out.Queues, struct {
			Count  int64                  `json:"count"`
			Kind   string                 `json:"kind"`
			Oldest *time.Time             `json:"oldest,omitempty"`
			State  api.MachineQueuesState `json:"state"`
		}{q.Count, q.Kind, q.Oldest, api.MachineQueuesState(q.State)})
	}
	out.Tables, out.Queues = present(out.Tables), present(out.Queues)
	return out, nil
}

func (s *server) RedriveJobs(ctx context.Context, r api.RedriveJobsRequestObject) (api.RedriveJobsResponseObject, error) {
	n, err := s.Desk.RedriveJobs(ctx, actorOf(ctx), deref(r.Body.Kind))
	if err != nil {
		return nil, err
	}
	return api.RedriveJobs200JSONResponse{Jobs: n}, nil
}

func (s *server) RuleUses(ctx context.Context, r api.RuleUsesRequestObject) (api.RuleUsesResponseObject, error) {
	days := 30
	if r.Params.Days != nil {
		days = *r.Params.Days
	}
	uses, unmatched, total, err := s.Desk.RuleUses(ctx, actorOf(ctx), days)
	if err != nil {
		return nil, err
	}
	w := s.world(actorOf(ctx).District)
	out := api.RuleUses200JSONResponse{Days: days, Total: total}
	for _, u := range uses {
		out.Items = append(out.Items, struct {
			Hits   int64      `json:"hits"`
			LastAt *time.Time `json:"last_at,omitempty"`
			Rule   string     `json:"rule"`
			Status *string    `json:"status,omitempty"`
			Title  *string    `json:"title,omitempty"`
		}{u.Hits, u.LastAt, u.Rule, some(u.Status), some(u.Title)})
	}
	for _, u := range unmatched {
		place := ""
		if at, ok := w.Grid(u.Grid); ok {
			place = at.StreetName + " " + at.CommunityName
		}
		out.Unmatched = append(out.Unmatched, struct {
			At         time.Time `json:"at"`
			CaseNo     string    `json:"case_no"`
			Grid       *string   `json:"grid,omitempty"`
			Matter     string    `json:"matter"`
			MatterName *string   `json:"matter_name,omitempty"`
			Place      *string   `json:"place,omitempty"`
			Queued     bool      `json:"queued"`
			Unit       *string   `json:"unit,omitempty"`
			UnitName   *string   `json:"unit_name,omitempty"`
		}{u.At, u.CaseNo, some(u.Grid), u.Matter, some(w.MatterName(u.Matter)), some(place), u.Queued, some(u.Unit), some(w.UnitName(u.Unit))})
	}
	out.Items, out.Unmatched = present(out.Items), present(out.Unmatched)
	return out, nil
}

package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/pg"
)

// Tenant is a district that this installation serves.
type Tenant struct {
	District         string          `gorm:"primaryKey"`
	Name             string          `gorm:"column:name"`
	City             string          `gorm:"column:city"`
	Fixture          string          `gorm:"column:fixture"`
	ApproxBoundaries bool            `gorm:"column:approx_boundaries"`
	Settings         json.RawMessage `gorm:"column:settings"`
	ConfigVersion    int64           `gorm:"column:config_version"`
	RulesVersion     int64           `gorm:"column:rules_version"`
}

// TableName is tenant.
func (Tenant) TableName() string { return "tenant" }

// Worlds holds every district's configuration; readers take an immutable World and keep it for one decision.
type Worlds struct {
	db      *pg.DB     // engine role: sees all districts
	change  sync.Mutex // one writer at a time
	current atomic.Pointer[map[string]*World]
	tenants atomic.Pointer[[]Tenant]
	index   grid.Directory
	wake    *time.Time // while loading: the earliest change that comes by itself
	next    atomic.Pointer[time.Time]
}

// NewWorlds is empty until Load.
func NewWorlds(engine *pg.DB) *Worlds { return &Worlds{db: engine} }

// Get gives a district's configuration; nil when there is no such district.
func (ws *Worlds) Get(district string) *World {
	if m := ws.current.Load(); m != nil {
		return (*m)[district]
	}
	return nil
}

// Tenants lists the districts in order of their code.
func (ws *Worlds) Tenants() []Tenant {
	if t := ws.tenants.Load(); t != nil {
		return *t
	}
	return nil
}

// At gives the district whose grid holds the point.
func (ws *Worlds) At(p grid.Point) (string, bool) {
	place, ok := ws.index.Index().Locate(p)
	return place.DistrictCode, ok
}

// Index is the map of all districts.
func (ws *Worlds) Index() *grid.Index { return ws.index.Index() }

// Load reads the configuration and swaps it in as a whole; on error the old one stays in force.
func (ws *Worlds) Load(ctx context.Context) error {
	ws.change.Lock()
	defer ws.change.Unlock()
	var now time.Time
	if err := ws.db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now); err != nil {
		return err
	}
	g := ws.db.Gorm.WithContext(ctx)
	var tenants []Tenant
	if err := g.Order("district").Find(&tenants).Error; err != nil {
		return err
	}
	if _, err := ws.index.Load(ctx, ws.db, now); err != nil {
		return err
	}
	var units []grid.OrgUnit
	if err := g.Find(&units).Error; err != nil {
		return err
	}
	workers, err := ws.workers(ctx)
	if err != nil {
		return err
	}
	next := map[string]*World{}
	ws.wake = nil
	for _, t := range tenants {
		w, err := ws.build(ctx, t, units, now)
		if err != nil {
			return fmt.Errorf("configuration of district %s: %w", t.District, err)
		}
		w.Workers = workers
		if err := ws.db.Pool.QueryRow(ctx, "select exists (select from component where district = $1)", t.District).Scan(&w.Ledger); err != nil {
			return err
		}
		if w.Incidents, err = ws.incidents(ctx, t.District); err != nil {
			return fmt.Errorf("incidents of district %s: %w", t.District, err)
		}
		next[t.District] = w
	}
	ws.current.Store(&next)
	ws.tenants.Store(&tenants)
	ws.next.Store(ws.wake)
	return nil
}

// LoadMap reads the map again where it has changed or an effective date has come, and nothing else.
func (ws *Worlds) LoadMap(ctx context.Context) error {
	ws.change.Lock()
	defer ws.change.Unlock()
	var now time.Time
	if err := ws.db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now); err != nil {
		return err
	}
	if _, err := ws.index.Load(ctx, ws.db, now); err != nil {
		return err
	}
	index := ws.index.Index()
	old := ws.current.Load()
	if old == nil || !slices.ContainsFunc(slices.Collect(maps.Values(*old)), func(w *World) bool { return w.Index != index }) {
		return nil
	}
	workers, err := ws.workers(ctx) // who works a grid moves with it
	if err != nil {
		return err
	}
	next := make(map[string]*World, len(*old))
	for district, w := range *old {
		moved := *w
		moved.Index, moved.Workers = index, workers
		next[district] = &moved
	}
	ws.current.Store(&next)
	return nil
}

// workers lists the grids that somebody works; grid codes name their district themselves.
func (ws *Worlds) workers(ctx context.Context) (map[string]bool, error) {
	rows, err := ws.db.Pool.Query(ctx, `select distinct unnest(b.grids) from role_binding b join account a on a.district = b.district and a.id = b.account_id
		where b.role = 'GRID_WORKER' and a.disabled_at is null`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var code string
		if err := rows.Scan(&code); err != nil {
			return nil, err
		}
		out[code] = true
	}
	return out, rows.Err()
}

func (ws *Worlds) build(ctx context.Context, t Tenant, units []grid.OrgUnit, now time.Time) (*World, error) {
	w := &World{District: t.District, Name: t.Name, Units: map[string]grid.OrgUnit{}, ByArea: map[string]string{}, Stages: DefaultStages, Limits: DefaultLimits, Index: ws.index.Index(), RiskSteps: riskSteps(t.Settings)}
	dir := rule.Directory{Units: map[string]rule.Unit{}, StreetOf: map[string]string{}, CommunityOf: map[string]string{}}
	for _, u := range units {
		if u.District != t.District {
			continue
		}
		w.Units[u.Code] = u
		dir.Units[u.Code] = rule.Unit{Code: u.Code, Name: u.Name, Kind: u.Kind, Line: u.Line, Active: u.Active}
		switch {
		case !u.Active: // its ground is another unit's, or nobody's
		case u.Kind == "STREET":
			w.ByArea[u.AreaCode], dir.StreetOf[u.AreaCode] = u.Code, u.Code
		case u.Kind == "COMMUNITY":
			w.ByArea[u.AreaCode], dir.CommunityOf[u.AreaCode] = u.Code, u.Code
		}
	}
	var err error
	if w.Limits, err = w.Limits.with(t.Settings); err != nil {
		return nil, err
	}
	if w.Calendar, err = ws.calendar(ctx, t.District); err != nil {
		return nil, err
	}
	if w.Catalog, err = ws.catalog(ctx, t.District, now); err != nil {
		return nil, err
	}
	counts, err := ws.learned(ctx, t.District)
	if err != nil {
		return nil, err
	}
	w.Catalog = w.Catalog.WithLearned(counts)
	if w.Rules, err = ws.rules(ctx, t.District, w.Catalog, dir); err != nil {
		return nil, err
	}
	w.dir = dir
	return w, nil
}

func (ws *Worlds) learned(ctx context.Context, district string) ([]rule.Count, error) {
	rows, err := ws.db.Pool.Query(ctx, "select term, item, n from suggest_count where district = $1 order by term, item", district)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[rule.Count])
}

// Learn takes a district's counts for the suggestion of the matter into force without reading anything else again.
// Other processes read them within a minute.
func (ws *Worlds) Learn(ctx context.Context, district string) error {
	ws.change.Lock()
	defer ws.change.Unlock()
	w := ws.Get(district)
	if w == nil {
		return nil
	}
	counts, err := ws.learned(ctx, district)
	if err != nil {
		return err
	}
	taught := *w
	taught.Catalog = w.Catalog.WithLearned(counts)
	next := maps.Clone(*ws.current.Load())
	next[district] = &taught
	ws.current.Store(&next)
	return nil
}

// UnitsSorted lists a district's active units by kind and code, for choices on screens.
func (w *World) UnitsSorted() []grid.OrgUnit {
	out := make([]grid.OrgUnit, 0, len(w.Units))
	for _, u := range w.Units {
		if u.Active {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b grid.OrgUnit) int {
		if a.Kind != b.Kind {
			return len(b.Kind) - len(a.Kind)
		}
		if a.Code < b.Code {
			return -1
		}
		return 1
	})
	return out
}

package grid

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"yixian/internal/pg"
)

// Directory holds the current Index and replaces it as a whole; readers never wait. The zero value is ready and
// answers from an empty index until the first Load.
type Directory struct {
	current atomic.Pointer[Index]
	change  sync.Mutex // one load at a time
	seen    string     // Signature of what was loaded last
}

var emptyIndex = &Index{}

// Index is the current snapshot, never nil.
func (d *Directory) Index() *Index {
	if x := d.current.Load(); x != nil {
		return x
	}
	return emptyIndex
}

// signatureSQL is a text that differs whenever the map does: each district's revision and the last instant at which a version
// began or ended by itself.
const signatureSQL = `select (select coalesce(string_agg(district || ':' || map_revision, ',' order by district), '') from tenant) || '@' ||
 coalesce(greatest((select max(valid_from) from area where valid_from <= $1), (select max(valid_to) from area where valid_to <= $1))::text, '')`

// Signature tells one state of the map from another: equal texts, equal maps at that instant.
func Signature(ctx context.Context, db *pg.DB, at time.Time) (text string, err error) {
	err = db.Pool.QueryRow(ctx, signatureSQL, at).Scan(&text)
	return text, err
}

const areasSQL = `select a.district, a.code, a.version, a.level, a.kind, a.name, a.parent, a.land_use, a.approx, a.ground, a.valid_from, a.valid_to, a.begun_by, a.ended_by from area a`

// Load reads the areas in force at the instant, of all districts that db's row policy shows, those whose every version has ended
// (cases may still stand on them), and the outlines of districts around the demo for the OUT_OF_AREA hint, and swaps the snapshot.
// A map that has not changed since the last Load is not read again. On an error the old snapshot stays.
func (d *Directory) Load(ctx context.Context, db *pg.DB, at time.Time) (changed bool, err error) {
	d.change.Lock()
	defer d.change.Unlock()
	now, err := Signature(ctx, db, at)
	if err != nil {
		return false, fmt.Errorf("load areas: %w", err)
	}
	if now == d.seen {
		return false, nil
	}
	areas, err := readAreas(ctx, db.Pool, areasSQL+" where a.valid_from <= $1 and (a.valid_to is null or a.valid_to > $1)", at)
	if err != nil {
		return false, fmt.Errorf("load areas: %w", err)
	}
	former, err := readAreas(ctx, db.Pool, `select distinct on (district, code) x.* from (`+areasSQL+` where a.valid_to <= $1) x
		where not exists (select from area o where o.district = x.district and o.code = x.code and o.valid_from <= $1 and (o.valid_to is null or o.valid_to > $1))
		order by district, code, version desc`, at)
	if err != nil {
		return false, fmt.Errorf("load former areas: %w", err)
	}
	if err := d.Set(areas, former...); err != nil {
		return false, err
	}
	d.seen = now
	return true, nil
}

// Set swaps in a snapshot of the given areas and of the outlines of districts that are not among them.
func (d *Directory) Set(areas []Area, former ...Area) error {
	outlines, err := Outlines()
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for i := range areas {
		known[areas[i].District] = true
	}
	all := append(make([]Area, 0, len(areas)+len(outlines)), areas...)
	for _, o := range outlines {
		if !known[o.District] {
			all = append(all, o)
		}
	}
	x, err := NewIndex(all, former...)
	if err != nil {
		return fmt.Errorf("index areas: %w", err)
	}
	d.current.Store(x)
	return nil
}

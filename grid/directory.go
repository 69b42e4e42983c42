package grid

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// Directory holds the current Index and replaces it as a whole; readers never wait. The zero value is ready and
// answers from an empty index until the first Load.
type Directory struct{ current atomic.Pointer[Index] }

var emptyIndex = &Index{}

// Index is the current snapshot, never nil.
func (d *Directory) Index() *Index {
	if x := d.current.Load(); x != nil {
		return x
	}
	return emptyIndex
}

// Load reads the areas in force at the instant, of all districts that db's row policy shows, adds the
// outlines of districts around the demo for the OUT_OF_AREA hint, and swaps the snapshot. On an error
// the old snapshot stays.
func (d *Directory) Load(ctx context.Context, db *gorm.DB, at time.Time) error {
	var areas []Area
	err := db.WithContext(ctx).
		Where("valid_from <= ? and (valid_to is null or valid_to > ?)", at, at).
		Find(&areas).Error
	if err != nil {
		return fmt.Errorf("load areas: %w", err)
	}
	return d.Set(areas)
}

// Set swaps in a snapshot of the given areas and of the outlines of districts that are not among them.
func (d *Directory) Set(areas []Area) error {
	outlines, err := Outlines()
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, a := range areas {
		known[a.District] = true
	}
	all := append([]Area(nil), areas...)
	for _, o := range outlines {
		if !known[o.District] {
			all = append(all, o)
		}
	}
	x, err := NewIndex(all)
	if err != nil {
		return fmt.Errorf("index areas: %w", err)
	}
	d.current.Store(x)
	return nil
}

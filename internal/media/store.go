package media

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// Variant is one of the blobs kept of a photo.
type Variant string

// The variants: what is served to who may see the case, its preview, the private upload as it came, and, under an id of its
// own, the copy for everybody with its covered regions.
const (
	Full     Variant = "full"
	Thumb    Variant = "thumb"
	Original Variant = "original"
	Public   Variant = "public"
)

// Key is the name under which a variant of the photo with this id is stored.
func Key(id string, v Variant) string { return id + "." + string(v) }

// ErrKey: a name that Key and NewID cannot have made; nothing was touched.
var ErrKey = errors.New("media: malformed key")

// Info describes a stored blob.
type Info struct {
	Size    int64
	ModTime time.Time
}

// Store keeps blobs by key. Whoever points a row to a blob writes the blob first and the row after Put
// came back: then no row ever points to nothing, and what a crash leaves over Sweep finds.
type Store interface {
	// Put stores all of r under key. Nobody sees the blob before it is complete and durable; after an error
	// nothing is stored. Putting a key again replaces it as a whole. 503 STORE_FULL when space runs out.
	Put(ctx context.Context, key string, r io.Reader) error
	// Open reads a blob; fault NOT_FOUND (wrapping fs.ErrNotExist) when there is none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error)
	// Delete removes a blob; an absent one is no error.
	Delete(ctx context.Context, key string) error
	// Walk calls fn with each key last written before an instant, in any order, until fn fails.
	Walk(ctx context.Context, before time.Time, fn func(key string) error) error
	// Tidy removes the unfinished remains of Puts that began before an instant, and says how many.
	Tidy(ctx context.Context, before time.Time) (int, error)
}

// sweepBatch is how many ids one question to the database holds.
const sweepBatch = 500

// Sweep deletes the blobs last written before an instant that no row points to, and unfinished uploads of
// that age. referenced says which ids of a batch have a row. The instant must be well in the past (a day):
// a photo may wait for its report. After an error of referenced nothing of its batch is deleted.
func Sweep(ctx context.Context, s Store, before time.Time, referenced func(ctx context.Context, ids []string) (map[string]bool, error)) (deleted int, err error) {
	batch := make(map[string][]string, sweepBatch)
	flush := func() error {
		ids := make([]string, 0, len(batch))
		for id := range batch {
			ids = append(ids, id)
		}
		if len(ids) == 0 {
			return nil
		}
		kept, err := referenced(ctx, ids)
		if err != nil {
			return err
		}
		for id, keys := range batch {
			for _, key := range keys {
				if kept[id] {
					continue
				}
				if err := s.Delete(ctx, key); err != nil {
					return err
				}
				deleted++
			}
		}
		clear(batch)
		return nil
	}
	err = s.Walk(ctx, before, func(key string) error {
		id, _, _ := strings.Cut(key, ".")
		if len(batch) == sweepBatch && batch[id] == nil {
			if err := flush(); err != nil {
				return err
			}
		}
		batch[id] = append(batch[id], key)
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return deleted, err
	}
	n, err := s.Tidy(ctx, before)
	return deleted + n, err
}

// checkKey accepts <32 hexadecimal digits, or a UUID with dashes>.<variant> and nothing else: a key becomes
// a file name.
func checkKey(key string) error {
	id, variant, _ := strings.Cut(key, ".")
	digits := 0
	for _, r := range id {
		switch {
		case r >= '0' && r <= '9' || r >= 'a' && r <= 'f':
			digits++
		case r != '-':
			return ErrKey
		}
	}
	switch Variant(variant) {
	case Full, Thumb, Original, Public:
	default:
		return ErrKey
	}
	if digits != 32 || len(id) > 36 || strings.HasPrefix(id, "-") || strings.HasSuffix(id, "-") {
		return ErrKey
	}
	return nil
}

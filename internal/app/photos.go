package app

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/media"
	"yixian/internal/pg"
)

// photoKeeper ends what need not be kept of photos: private originals first, the clean copies later, uploads that no report
// ever named, blobs without a row. It goes by real time, like sessions and jobs: a sandbox's clock does not age files.
type photoKeeper struct {
	db    *pg.DB // engine role: all districts
	store media.Store
	// original, clean and unused are how long each is kept.
	original, clean, unused time.Duration
	orphan                  time.Duration // how old a blob without a row is at least when it is swept
}

// keptBatch is how many photos one step ends.
const keptBatch = 200

// photosEvery is how often the keeper looks.
const photosEvery = time.Hour

// photosLock keeps two processes from tidying the same store at once.
const photosLock = "yixian.photos"

// kept says what a run ended, in numbers of photos and of blobs.
type kept struct{ Originals, Clean, Unused, Swept int }

func (k *photoKeeper) run(ctx context.Context) (did kept, err error) {
	conn, err := k.db.Pool.Acquire(ctx)
	if err != nil {
		return did, pg.Fault(err)
	}
	defer conn.Release()
	var mine bool
	if err := conn.QueryRow(ctx, "select pg_try_advisory_lock(hashtext($1))", photosLock).Scan(&mine); err != nil || !mine {
		return did, pg.Fault(err)
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock(hashtext($1))", photosLock)
	}()
	all := []media.Variant{media.Original, media.Thumb, media.Full}
	for _, step := range []struct {
		n         *int
		age       time.Duration
		which     string
		blobs     []media.Variant
		afterward string
	}{
		{&did.Originals, k.original, "original_gone_at is null", all[:1], "update media set original_gone_at = now() where district = $1 and id = $2"},
		{&did.Unused, k.unused, "gone_at is null and case_id is null", all, "delete from media where district = $1 and id = $2 and case_id is null"},
		{&did.Clean, k.clean, "gone_at is null", all, "with p as (update public_photo set withdrawn_at = yx_now() where district = $1 and media_id = $2 and withdrawn_at is null) " +
			"update media set gone_at = now(), original_gone_at = coalesce(original_gone_at, now()) where district = $1 and id = $2"},
	} {
		if *step.n, err = k.end(ctx, step.which, step.age, step.blobs, step.afterward); err != nil {
			return did, err
		}
	}
	did.Swept, err = media.Sweep(ctx, k.store, time.Now().Add(-k.orphan), k.referenced)
	return did, err
}

// end deletes blobs first and says so in the row after: a crash between the two repeats a deletion, and never forgets one.
// A photo that a report names at this very moment is a month old and has just been named: its row is left alone, and the
// report was accepted with it.
func (k *photoKeeper) end(ctx context.Context, which string, age time.Duration, blobs []media.Variant, afterward string) (n int, err error) {
	for {
		rows, err := k.db.Pool.Query(ctx, fmt.Sprintf("select district, id from media where created_at < now() - make_interval(secs => $1) and %s order by created_at limit %d", which, keptBatch), age.Seconds())
		if err != nil {
			return n, pg.Fault(err)
		}
		type photo struct{ District, ID string }
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[photo])
		if err != nil {
			return n, pg.Fault(err)
		}
		for _, p := range list {
			for _, v := range blobs {
				if err := k.store.Delete(ctx, media.Key(p.ID, v)); err != nil {
					return n, err
				}
			}
			if _, err := k.db.Pool.Exec(ctx, afterward, p.District, p.ID); err != nil {
				return n, pg.Fault(err)
			}
			n++
		}
		if len(list) < keptBatch {
			return n, nil
		}
	}
}

// referenced says which blobs have a row. A public copy that was taken back has none.
func (k *photoKeeper) referenced(ctx context.Context, ids []string) (map[string]bool, error) {
	rows, err := k.db.Pool.Query(ctx, "select id from media where id = any($1) union all select id from public_photo where id = any($1) and withdrawn_at is null", ids)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := map[string]bool{}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		out[id] = true
		return nil
	})
	return out, pg.Fault(err)
}

// keepPhotos runs until ctx ends.
func (a *App) keepPhotos(ctx context.Context) {
	const aDay = 24 * time.Hour
	k := photoKeeper{db: a.Engine, store: a.photos, original: time.Duration(a.cfg.OriginalDays) * aDay, clean: time.Duration(a.cfg.PhotoDays) * aDay, unused: 30 * aDay, orphan: aDay}
	tick := time.NewTicker(photosEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		did, err := k.run(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.log.Error("photos not tidied; the next hour tries again", "cause", err.Error())
		case did != kept{}:
			a.log.Info("photos tidied", "originals", did.Originals, "clean", did.Clean, "unused", did.Unused, "swept", did.Swept)
		}
	}
}

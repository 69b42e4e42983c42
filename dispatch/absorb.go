package dispatch

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// absorbed is the master's side of a merge with the head that was read.
type absorbed struct {
	change *Change
	head   int64
}

// absorb adds the master's side to a merge.
func (c *Change) absorb(w *World, master *loaded, child *Snapshot, a auth.Actor, now time.Time, salt []byte) error {
	as, ok := master.as(ByDispatcher, a)
	if !ok {
		return fault.Forbidden("NOT_YOURS", "您的岗位不能对此案件执行该操作")
	}
	d := newDraft(w, &master.Snapshot, now, salt)
	if err := absorb(d, child, a, as); err != nil {
		return err
	}
	c.master = &absorbed{d.finish(), master.Case.HeadSeq}
	return nil
}

// errLost rolls a merge back: one of the two cases moved.
const errLost = "22012" // division by zero

// putBoth writes both cases of a merge, in the order of their ids, so that two merges never wait for each other in a circle.
// They go as one batch, which is one transaction without a word for it; a case that has moved in between ends it by dividing by the
// number of rows that its guard let through.
func (k *Desk) putBoth(ctx context.Context, put func(*Change, int64, *string) (string, []any, error), c *Change, head int64, key *string) (bool, error) {
	type side struct {
		change *Change
		head   int64
		key    *string
	}
	sides := []side{{c, head, key}, {c.master.change, c.master.head, nil}}
	if bytes.Compare(c.master.change.Case.ID[:], c.Case.ID[:]) < 0 {
		slices.Reverse(sides)
	}
	var batch pgx.Batch
	for _, s := range sides {
		sql, args, err := put(s.change, s.head, s.key)
		if err != nil {
			return false, err
		}
		batch.Queue(strings.Replace(sql, "select count(*) from c", "select 1 / count(*) from c", 1), args...)
	}
	err := k.db.Pool.SendBatch(ctx, &batch).Close()
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == errLost {
		return false, nil
	}
	return err == nil, err
}

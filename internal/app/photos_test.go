package app

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/media"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

// photoStore has photos of several ages with all their blobs.
type photoStore struct {
	t  *testing.T
	db *pgtest.Database
	*media.Files
}

const photoDistrict = "350102"

func newPhotoStore(t *testing.T) photoStore {
	t.Helper()
	s := photoStore{t: t, db: pgtest.New(t)}
	files, err := media.NewFiles(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	s.Files = files
	return s
}

// photo stores one of an age; attached: a case names it.
func (s photoStore) photo(age time.Duration, attached bool) string {
	s.t.Helper()
	id := media.NewID()
	for _, v := range []media.Variant{media.Full, media.Thumb, media.Original} {
		require.NoError(s.t, s.Put(s.t.Context(), media.Key(id, v), strings.NewReader(string(v))))
	}
	var named *uuid.UUID
	if attached {
		named = new(uuid.New())
	}
	_, err := s.db.Engine.Pool.Exec(pg.WithDistrict(s.t.Context(), photoDistrict), "insert into media (district, id, width, height, bytes, sha256, case_id, created_at) values ($1, $2, 1, 1, 1, '', $3, now() - $4::interval)", photoDistrict, id, named, age)
	require.NoError(s.t, err)
	return id
}

func (s photoStore) has(id string) (out []media.Variant) {
	s.t.Helper()
	for _, v := range []media.Variant{media.Full, media.Thumb, media.Original} {
		f, _, err := s.Open(s.t.Context(), media.Key(id, v))
		if err == nil {
			require.NoError(s.t, f.Close())
			out = append(out, v)
			continue
		}
		require.ErrorIs(s.t, err, fs.ErrNotExist)
	}
	return out
}

func TestPhotosEndInTheirTime(t *testing.T) {
	t.Parallel()
	s := newPhotoStore(t)
	const aDay = 24 * time.Hour
	all := []media.Variant{media.Full, media.Thumb, media.Original}
	young, year, old := s.photo(300*aDay, true), s.photo(366*aDay, true), s.photo(1100*aDay, true)
	draft, forgotten := s.photo(10*aDay, false), s.photo(31*aDay, false)
	orphan := media.NewID()
	require.NoError(t, s.Put(t.Context(), media.Key(orphan, media.Full), strings.NewReader("x")))
	k := photoKeeper{db: s.db.Engine, store: s, original: 365 * aDay, clean: 1095 * aDay, unused: 30 * aDay, orphan: -time.Minute}
	did, err := k.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, kept{Originals: 2, Clean: 1, Unused: 1, Swept: 1}, did)
	require.Equal(t, all, s.has(young))
	require.Equal(t, all[:2], s.has(year))
	require.Empty(t, s.has(old))
	require.Equal(t, all, s.has(draft), "a phone may be offline for days")
	require.Empty(t, s.has(forgotten))
	require.Empty(t, s.has(orphan))
	did, err = k.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, kept{}, did)
}

// leftovers is a store that fails after some deletions, as a crash between a blob and its row would leave it.
type leftovers struct {
	media.Store
	left int
}

func (s *leftovers) Delete(ctx context.Context, key string) error {
	if s.left--; s.left < 0 {
		return context.DeadlineExceeded
	}
	return s.Store.Delete(ctx, key)
}

func TestABrokenRunIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := newPhotoStore(t)
	var ids []string
	for range 5 {
		ids = append(ids, s.photo(24*400*time.Hour, true))
	}
	k := photoKeeper{db: s.db.Engine, store: &leftovers{s, 3}, original: time.Hour, clean: 24 * 1000 * time.Hour, unused: time.Hour, orphan: 24 * time.Hour}
	_, err := k.run(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var said int
	require.NoError(t, s.db.Engine.Pool.QueryRow(t.Context(), "select count(*) from media where original_gone_at is not null").Scan(&said))
	require.Equal(t, 3, said, "a row never says gone of what is there")
	k.store = s
	did, err := k.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, did.Originals)
	for _, id := range ids {
		require.Equal(t, []media.Variant{media.Full, media.Thumb}, s.has(id))
	}
}

package media

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

var _ Store = (*Files)(nil)

func files(t *testing.T) (*Files, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "photos")
	s, err := NewFiles(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, folder
}

func put(t *testing.T, s Store, key, body string) {
	t.Helper()
	require.NoError(t, s.Put(t.Context(), key, strings.NewReader(body)))
}

func get(t *testing.T, s Store, key string) string {
	t.Helper()
	f, info, err := s.Open(t.Context(), key)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, int64(len(raw)), info.Size)
	return string(raw)
}

// names lists every file under the folder.
func names(t *testing.T, folder string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, name)
		}
		return err
	}))
	return out
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	for _, id := range []string{NewID(), uuid.NewString()} {
		put(t, s, Key(id, Full), "one")
		put(t, s, Key(id, Thumb), "two")
		require.Equal(t, "one", get(t, s, Key(id, Full)))
		put(t, s, Key(id, Full), "another")
		require.Equal(t, "another", get(t, s, Key(id, Full)))
		f, _, err := s.Open(t.Context(), Key(id, Full))
		require.NoError(t, err)
		_, err = f.Seek(2, io.SeekStart)
		require.NoError(t, err)
		tail, err := io.ReadAll(f)
		require.NoError(t, err)
		require.Equal(t, "other", string(tail))
		require.NoError(t, f.Close())
		require.NoError(t, s.Delete(t.Context(), Key(id, Full)))
		require.NoError(t, s.Delete(t.Context(), Key(id, Full)), "twice is fine")
		_, _, err = s.Open(t.Context(), Key(id, Full))
		require.True(t, fault.Is(err, "NOT_FOUND"))
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.Equal(t, "two", get(t, s, Key(id, Thumb)))
	}
	for _, name := range names(t, folder) {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	require.Len(t, names(t, folder), 2)
}

func TestNewIDsAreUnguessable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		require.Regexp(t, `^[0-9a-f]{32}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestBadKeysReachNoFile(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	outside := filepath.Join(filepath.Dir(folder), "secret.full")
	require.NoError(t, os.WriteFile(outside, []byte("x"), 0o600))
	id := NewID()
	for _, key := range []string{
		"", id, "../secret.full", "../../" + id + ".full", id + ".full/", id + ".exe", id + ".full.full", strings.ToUpper(id) + ".full", id[:31] + ".full",
		id + "0.full", "/" + id + ".full", id + ".full\x00", "-" + id + ".full", strings.Repeat("-", 36) + ".full", id[:16] + "/" + id[16:] + ".full", "." + id + ".full",
	} {
		require.ErrorIs(t, s.Put(t.Context(), key, strings.NewReader("x")), ErrKey, key)
		require.ErrorIs(t, s.Delete(t.Context(), key), ErrKey, key)
		_, _, err := s.Open(t.Context(), key)
		require.True(t, fault.Is(err, "NOT_FOUND"), key)
	}
	require.Empty(t, names(t, folder))
	require.FileExists(t, outside)
}

// A symbolic link planted inside the folder leads nowhere.
func TestLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	secret := filepath.Join(filepath.Dir(folder), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	key := Key(NewID(), Full)
	put(t, s, key, "x")
	name := filepath.Join(folder, shard(key))
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.Symlink(secret, name))
	_, _, err := s.Open(t.Context(), key)
	require.Error(t, err)
}

func TestFailedPutLeavesNothing(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	key := Key(NewID(), Full)
	err := s.Put(t.Context(), key, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Put(ctx, key, strings.NewReader("x")), context.Canceled)
	err = s.Put(t.Context(), key, iotest.ErrReader(&fs.PathError{Op: "write", Err: syscall.ENOSPC}))
	require.True(t, fault.Is(err, "STORE_FULL"), "%v", err)
	e, _ := fault.As(err)
	require.Positive(t, e.RetryAfter)
	require.Empty(t, names(t, folder))
}

func TestUnfinishedPutIsInvisible(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	key := Key(NewID(), Full)
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- s.Put(t.Context(), key, r) }()
	_, err := w.Write([]byte("first half,"))
	require.NoError(t, err)
	_, _, err = s.Open(t.Context(), key)
	require.True(t, fault.Is(err, "NOT_FOUND"))
	require.NoError(t, s.Walk(t.Context(), time.Now().Add(time.Hour), errors.New))
	require.Len(t, names(t, folder), 1)
	_, err = w.Write([]byte(" second"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, <-done)
	require.Equal(t, "first half, second", get(t, s, key))
}

func TestFullVolumeRefusesPhotos(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	key := Key(NewID(), Full)
	put(t, s, key, "earlier")
	s.minFree = 1.1 // no volume is that empty
	err := s.Put(t.Context(), Key(NewID(), Full), strings.NewReader("x"))
	require.True(t, fault.Is(err, "STORE_FULL"), "%v", err)
	require.Equal(t, "earlier", get(t, s, key), "reading goes on")
	require.NoError(t, s.Delete(t.Context(), key))
	require.Empty(t, names(t, folder))
}

func TestConcurrentPuts(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	key := Key(NewID(), Full)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if err := s.Put(t.Context(), key, strings.NewReader(strings.Repeat(fmt.Sprintf("%02d", i), 5000))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	body := get(t, s, key)
	require.Equal(t, strings.Repeat(body[:2], 5000), body, "one of them, whole")
	require.Len(t, names(t, folder), 1)
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s, folder := files(t)
	now := time.Now()
	old := now.Add(-48 * time.Hour)
	kept := map[string]bool{}
	var orphans, young []string
	for i := range 1300 { // more than two batches
		id := NewID()
		keys := []string{Key(id, Full)}
		if i%10 == 0 {
			keys = append(keys, Key(id, Thumb), Key(id, Original))
		}
		for _, key := range keys {
			name := filepath.Join(folder, shard(key))
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
			require.NoError(t, os.WriteFile(name, []byte("x"), 0o600))
			if i%5 == 1 {
				young = append(young, key)
				continue
			}
			require.NoError(t, os.Chtimes(name, old, old))
			if i%3 != 0 {
				orphans = append(orphans, key)
			}
		}
		kept[id] = i%3 == 0
	}
	stale := filepath.Join(folder, unfinished, "stale")
	require.NoError(t, os.WriteFile(stale, []byte("x"), 0o600))
	require.NoError(t, os.Chtimes(stale, old, old))
	fresh := filepath.Join(folder, unfinished, "fresh")
	require.NoError(t, os.WriteFile(fresh, []byte("x"), 0o600))
	foreign := filepath.Join(folder, "README")
	require.NoError(t, os.WriteFile(foreign, []byte("x"), 0o600))
	require.NoError(t, os.Chtimes(foreign, old, old))
	total := len(names(t, folder))

	down := errors.New("database away")
	n, err := Sweep(t.Context(), s, now.Add(-24*time.Hour), func(context.Context, []string) (map[string]bool, error) { return nil, down })
	require.ErrorIs(t, err, down)
	require.Zero(t, n)
	require.Len(t, names(t, folder), total)

	asked := 0
	referenced := func(_ context.Context, ids []string) (map[string]bool, error) {
		require.LessOrEqual(t, len(ids), sweepBatch)
		asked++
		return kept, nil
	}
	n, err = Sweep(t.Context(), s, now.Add(-24*time.Hour), referenced)
	require.NoError(t, err)
	require.Equal(t, len(orphans)+1, n)
	require.GreaterOrEqual(t, asked, 3)
	require.Len(t, names(t, folder), total-len(orphans)-1)
	require.NoFileExists(t, stale)
	require.FileExists(t, fresh)
	require.FileExists(t, foreign)
	for _, key := range young {
		require.FileExists(t, filepath.Join(folder, shard(key)))
	}
	n, err = Sweep(t.Context(), s, now.Add(-24*time.Hour), referenced)
	require.NoError(t, err)
	require.Zero(t, n)
}

const killedFolder = "YIXIAN_TEST_KILLED_FOLDER"

// A process that is killed while it puts: each blob that can be seen is whole, each acknowledged one is
// there, and Tidy removes the rest. (A killed process does not show what a power cut does; fsync does that.)
func TestKilledPuts(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv(killedFolder); folder != "" {
		putForEver(folder)
	}
	s, folder := files(t)
	acknowledged := 0
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledPuts$")
		cmd.Env = append(os.Environ(), killedFolder+"="+folder)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		var keys []string
		for lines.Scan() {
			if key, ok := strings.CutPrefix(lines.Text(), "stored "); ok {
				keys = append(keys, key)
			}
			if len(keys) == 3+5*round {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		require.Error(t, cmd.Wait(), "it was killed")
		require.GreaterOrEqual(t, len(keys), 3+5*round)
		for _, key := range keys {
			whole(t, s, key)
		}
		acknowledged += len(keys)
	}
	seen := 0
	later := time.Now().Add(time.Hour)
	require.NoError(t, s.Walk(t.Context(), later, func(key string) error {
		whole(t, s, key)
		seen++
		return nil
	}))
	require.GreaterOrEqual(t, seen, acknowledged)
	_, err := s.Tidy(t.Context(), later)
	require.NoError(t, err)
	require.Len(t, names(t, folder), seen)
}

// whole checks a blob against the digest at its end.
func whole(t *testing.T, s Store, key string) {
	t.Helper()
	body := []byte(get(t, s, key))
	require.Greater(t, len(body), sha256.Size, key)
	cut := len(body) - sha256.Size
	require.Equal(t, sha256.Sum256(body[:cut]), [32]byte(body[cut:]), key)
}

func putForEver(folder string) {
	s, err := NewFiles(folder)
	for err == nil {
		key := Key(NewID(), Full)
		body := bytes.Repeat([]byte(key), 8000)
		sum := sha256.Sum256(body)
		if err = s.Put(context.Background(), key, bytes.NewReader(append(body, sum[:]...))); err == nil {
			fmt.Println("stored " + key)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

package media

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var _ Store = (*S3)(nil)

// bucket is as much of an S3 service as the store uses: PUT with MD5, GET and HEAD with ranges, DELETE, ListObjectsV2 in pages of two.
type bucket struct {
	mu      sync.Mutex
	objects map[string]stored
	down    bool
}

type stored struct {
	body []byte
	at   time.Time
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/photos/")
	switch {
	case b.down:
		w.WriteHeader(http.StatusForbidden) // not repeated by the client
	case !strings.Contains(r.Header.Get("Authorization"), "Credential=key/"):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodGet && r.URL.Query().Has("list-type"):
		b.list(w, r)
	case r.Method == http.MethodPut:
		body, err := payload(r)
		sum := md5.Sum(body)
		if err != nil || r.Header.Get("Content-MD5") != base64.StdEncoding.EncodeToString(sum[:]) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.objects[name] = stored{body, time.Now()}
		w.Header().Set("ETag", `"x"`)
	case r.Method == http.MethodDelete:
		delete(b.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		o, ok := b.objects[name]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
			}
			return
		}
		w.Header().Set("ETag", `"x"`)
		http.ServeContent(w, r, "", o.at, bytes.NewReader(o.body))
	}
}

// payload takes the signed chunks of a plain-HTTP upload apart.
func payload(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING") {
		return io.ReadAll(r.Body)
	}
	var out []byte
	in := bufio.NewReader(r.Body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil || n == 0 {
			return out, err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, err
		}
		out = append(out, chunk[:n]...)
	}
}

func (b *bucket) list(w http.ResponseWriter, r *http.Request) {
	type object struct {
		Key          string
		LastModified string
		Size         int
	}
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []object
	}
	var keys []string
	for k := range b.objects {
		if strings.HasPrefix(k, r.URL.Query().Get("prefix")) && k > r.URL.Query().Get("continuation-token") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if len(keys) > 2 {
		keys, out.IsTruncated, out.NextContinuationToken = keys[:2], true, keys[1]
	}
	for _, k := range keys {
		out.Contents = append(out.Contents, object{k, b.objects[k].at.UTC().Format("2006-01-02T15:04:05.000Z"), len(b.objects[k].body)})
	}
	_ = xml.NewEncoder(w).Encode(out)
}

func s3(t *testing.T) (*S3, *bucket) {
	t.Helper()
	b := &bucket{objects: map[string]stored{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	s, err := NewS3("s3://key:secret@" + strings.TrimPrefix(server.URL, "http://") + "/photos/gulou?tls=false&region=cn-north-1")
	require.NoError(t, err)
	return s, b
}

// bothStores run a law of the store on each kind, and on a real service when YIXIAN_TEST_S3 names one.
func bothStores(t *testing.T, law func(t *testing.T, s Store)) {
	t.Helper()
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		f, _ := files(t)
		law(t, f)
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		s, _ := s3(t)
		law(t, s)
	})
	if address := os.Getenv("YIXIAN_TEST_S3"); address != "" {
		t.Run("service", func(t *testing.T) {
			t.Parallel()
			s, err := NewS3(address)
			require.NoError(t, err)
			law(t, s)
		})
	}
}

func TestEveryStore(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s Store) {
		t.Helper()
		id := NewID()
		put(t, s, Key(id, Full), strings.Repeat("a picture", 1000))
		put(t, s, Key(id, Thumb), "small")
		require.Equal(t, strings.Repeat("a picture", 1000), get(t, s, Key(id, Full)))
		put(t, s, Key(id, Thumb), "smaller")
		require.Equal(t, "smaller", get(t, s, Key(id, Thumb)), "replaced as a whole")

		f, _, err := s.Open(t.Context(), Key(id, Full))
		require.NoError(t, err)
		_, err = f.Seek(2, io.SeekStart)
		require.NoError(t, err)
		part := make([]byte, 7)
		_, err = io.ReadFull(f, part)
		require.NoError(t, err)
		require.Equal(t, "picture", string(part))
		require.NoError(t, f.Close())

		_, _, err = s.Open(t.Context(), Key(NewID(), Full))
		require.ErrorIs(t, err, fs.ErrNotExist)
		refused(t, err, 404, "NOT_FOUND")
		_, _, err = s.Open(t.Context(), "../../etc/passwd.full")
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorIs(t, s.Put(t.Context(), "../../x.full", strings.NewReader("x")), ErrKey)
		require.ErrorIs(t, s.Delete(t.Context(), "x"), ErrKey)

		broken := errors.New("the sender went away")
		require.ErrorIs(t, s.Put(t.Context(), Key(id, Public), io.MultiReader(strings.NewReader("half"), failing{broken})), broken)
		_, _, err = s.Open(t.Context(), Key(id, Public))
		require.ErrorIs(t, err, fs.ErrNotExist, "a failed Put leaves nothing")

		orphans := []string{NewID(), NewID(), NewID(), NewID()}
		for _, o := range orphans {
			put(t, s, Key(o, Full), "nobody's")
		}
		later := time.Now().Add(time.Hour)
		mine := append([]string{id}, orphans...)
		n, err := Sweep(t.Context(), s, later, kept(mine, id))
		require.NoError(t, err)
		require.Equal(t, 4, n)
		require.Equal(t, "smaller", get(t, s, Key(id, Thumb)))
		_, _, err = s.Open(t.Context(), Key(orphans[0], Full))
		require.ErrorIs(t, err, fs.ErrNotExist)
		n, err = Sweep(t.Context(), s, time.Now().Add(-time.Hour), kept(mine))
		require.NoError(t, err)
		require.Zero(t, n, "too young")

		require.NoError(t, s.Delete(t.Context(), Key(id, Full)))
		require.NoError(t, s.Delete(t.Context(), Key(id, Full)), "an absent one is no error")
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// kept says that of these ids only some have a row, and that every other id has one: a real bucket may hold more.
func kept(mine []string, rows ...string) func(context.Context, []string) (map[string]bool, error) {
	return func(_ context.Context, ids []string) (map[string]bool, error) {
		out := map[string]bool{}
		for _, id := range ids {
			out[id] = !slices.Contains(mine, id) || slices.Contains(rows, id)
		}
		return out, nil
	}
}

func TestStoreThatIsAway(t *testing.T) {
	t.Parallel()
	s, b := s3(t)
	put(t, s, Key(NewID(), Full), "there")
	b.mu.Lock()
	b.down = true
	b.mu.Unlock()
	refused(t, s.Put(t.Context(), Key(NewID(), Full), strings.NewReader("x")), 503, "STORE_AWAY")
	_, _, err := s.Open(t.Context(), Key(NewID(), Full))
	refused(t, err, 503, "STORE_AWAY")
	require.Error(t, s.Walk(t.Context(), time.Now(), func(string) error { return nil }))
}

func TestStoreAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"s3://", "s3://host/bucket", "s3://key:secret@host", "s3://key@host/bucket", "s3://key:sec ret@ho st/bucket"} {
		_, _, err := OpenStore(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "secret@")
	}
	s, done, err := OpenStore(t.TempDir())
	require.NoError(t, err)
	defer done()
	require.IsType(t, &Files{}, s)
	s, _, err = OpenStore("s3://key:secret@storage.example/photos")
	require.NoError(t, err)
	require.IsType(t, &S3{}, s)
}

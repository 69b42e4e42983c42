package seal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/seal"
)

const gulou = "350102"

func keyring(t *testing.T) (*seal.Keyring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret", "keys.json")
	k, err := seal.Open(path)
	require.NoError(t, err)
	return k, path
}

func TestSealRoundTrip(t *testing.T) {
	t.Parallel()
	k, _ := keyring(t)
	rapid.Check(t, func(t *rapid.T) {
		district, field, plain := rapid.String().Draw(t, "district"), rapid.String().Draw(t, "field"), rapid.String().Draw(t, "plain")
		sealed, err := k.Seal(district, field, plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) > 3 && bytes.Contains(sealed, []byte(plain)) {
			t.Fatal("plain text inside the sealed value")
		}
		back, err := k.Open(district, field, sealed)
		if err != nil || back != plain {
			t.Fatalf("%q came back as %q, %v", plain, back, err)
		}
		if (plain == "") != (sealed == nil) {
			t.Fatalf("empty text must be nil and only that: %q → %x", plain, sealed)
		}
	})
}

func TestSealIsRandom(t *testing.T) {
	t.Parallel()
	k, _ := keyring(t)
	seen := map[string]bool{}
	for range 200 {
		sealed, err := k.Seal(gulou, "phone", "13900000001")
		require.NoError(t, err)
		require.False(t, seen[string(sealed)])
		seen[string(sealed)] = true
	}
}

func TestOpenRefusesOtherPlaces(t *testing.T) {
	t.Parallel()
	k, _ := keyring(t)
	other, _ := keyring(t)
	sealed, err := k.Seal(gulou, "phone", "13900000001")
	require.NoError(t, err)
	for _, c := range []struct{ district, field string }{
		{"350103", "phone"}, {gulou, "name"}, {gulou + "p", "hone"}, {"", gulou + "phone"},
	} {
		_, err := k.Open(c.district, c.field, sealed)
		require.ErrorIs(t, err, seal.ErrOpen, "%v", c)
	}
	_, err = other.Open(gulou, "phone", sealed)
	require.ErrorIs(t, err, seal.ErrOpen)
}

func TestOpenRefusesEveryChangedBit(t *testing.T) {
	t.Parallel()
	k, _ := keyring(t)
	sealed, err := k.Seal(gulou, "phone", "13900000001")
	require.NoError(t, err)
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			_, err := k.Open(gulou, "phone", bad)
			require.Error(t, err, "byte %d bit %d", i, bit)
			require.NotContains(t, err.Error(), "139")
		}
	}
	for n := 1; n < len(sealed); n++ {
		_, err := k.Open(gulou, "phone", sealed[:n])
		require.Error(t, err, "cut at %d", n)
	}
	_, err = k.Open(gulou, "phone", append(bytes.Clone(sealed), 0))
	require.ErrorIs(t, err, seal.ErrOpen)
}

func TestBlind(t *testing.T) {
	t.Parallel()
	k, path := keyring(t)
	a := k.Blind(gulou, "phone", "13900000001")
	require.Len(t, a, 32)
	require.Equal(t, a, k.Blind(gulou, "phone", "13900000001"))
	for _, c := range [][3]string{
		{"350103", "phone", "13900000001"}, {gulou, "name", "13900000001"}, {gulou, "phone", "13900000002"}, {gulou, "phone1", "3900000001"},
	} {
		require.NotEqual(t, a, k.Blind(c[0], c[1], c[2]), "%v", c)
	}
	_, err := k.Rotate()
	require.NoError(t, err)
	require.Equal(t, a, k.Blind(gulou, "phone", "13900000001"), "search survives a rotation")
	again, err := seal.Open(path)
	require.NoError(t, err)
	require.Equal(t, a, again.Blind(gulou, "phone", "13900000001"))
	other, _ := keyring(t)
	require.NotEqual(t, a, other.Blind(gulou, "phone", "13900000001"))
}

func TestRotationKeepsOldValuesReadable(t *testing.T) {
	t.Parallel()
	k, path := keyring(t)
	second, err := seal.Open(path) // another node, started before the rotations
	require.NoError(t, err)
	check := k.Check()
	var values [][]byte
	for i := range 4 {
		v, err := k.Seal(gulou, "name", fmt.Sprint("张三", i))
		require.NoError(t, err)
		require.Equal(t, uint32(i+1), binary.BigEndian.Uint32(v[1:5]))
		values = append(values, v)
		id, err := k.Rotate()
		require.NoError(t, err)
		require.Equal(t, uint32(i+2), id)
	}
	third, err := seal.Open(path)
	require.NoError(t, err)
	for _, ring := range []*seal.Keyring{k, second, third} {
		for i, v := range values {
			plain, err := ring.Open(gulou, "name", v)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint("张三", i), plain)
		}
		require.Equal(t, check, ring.Check())
	}
	require.True(t, k.Stale(values[0]))
	fresh, err := k.Seal(gulou, "name", "李四")
	require.NoError(t, err)
	require.False(t, k.Stale(fresh))
	mode(t, path, 0o600)
}

func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	k, path := keyring(t)
	reader, err := seal.Open(path)
	require.NoError(t, err)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					if n > 0 {
						return
					}
				default:
				}
				v, err := k.Seal(gulou, "phone", "13900000001")
				if err == nil {
					_, err = reader.Open(gulou, "phone", v)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 10 {
		_, err := k.Rotate()
		require.NoError(t, err)
	}
	close(stop)
	wg.Wait()
}

func TestUnknownKey(t *testing.T) {
	t.Parallel()
	k, _ := keyring(t)
	v, err := k.Seal(gulou, "phone", "13900000001")
	require.NoError(t, err)
	binary.BigEndian.PutUint32(v[1:], 77)
	_, err = k.Open(gulou, "phone", v)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
}

func TestKeyFileIsCreatedOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	checks := make([]string, 16)
	var wg sync.WaitGroup
	for i := range checks {
		wg.Go(func() {
			k, err := seal.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			checks[i] = hex.EncodeToString(k.Check())
		})
	}
	wg.Wait()
	for _, c := range checks {
		require.Equal(t, checks[0], c, "all starters use the same keys")
	}
	mode(t, path, 0o600)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no unfinished file stays")
}

func TestConcurrentRotationsAddUp(t *testing.T) {
	t.Parallel()
	k, path := keyring(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			ring, err := seal.Open(path)
			if err == nil {
				_, err = ring.Rotate()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	last, err := k.Rotate()
	require.NoError(t, err)
	require.Equal(t, uint32(10), last)
}

func TestKeyFileModes(t *testing.T) {
	t.Parallel()
	for _, bad := range []os.FileMode{0o640, 0o604, 0o660, 0o666, 0o644, 0o620, 0o601} {
		_, path := keyring(t)
		require.NoError(t, os.Chmod(path, bad))
		_, err := seal.Open(path)
		require.ErrorContains(t, err, "chmod 600", "%o", bad)
	}
	_, path := keyring(t)
	require.NoError(t, os.Chmod(path, 0o400))
	_, err := seal.Open(path)
	require.NoError(t, err)
}

func TestDamagedKeyFile(t *testing.T) {
	t.Parallel()
	_, path := keyring(t)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	var file struct {
		Blind string `json:"blind"`
		Keys  []struct {
			KEK string `json:"kek"`
		} `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(good, &file))
	secrets := []string{file.Blind, file.Keys[0].KEK}
	short := base64.StdEncoding.EncodeToString(make([]byte, 16))
	for name, bad := range map[string]string{
		"empty":     "",
		"cut":       string(good[:len(good)/2]),
		"version":   strings.Replace(string(good), `"version": 1`, `"version": 2`, 1),
		"current":   strings.Replace(string(good), `"current": 1`, `"current": 9`, 1),
		"short key": strings.Replace(string(good), secrets[1], short, 1),
		"no blind":  strings.Replace(string(good), secrets[0], "", 1),
		"foreign":   strings.Replace(string(good), `"version"`, `"owner": "x", "version"`, 1),
	} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		_, err := seal.Open(path)
		require.ErrorContains(t, err, "damaged", name)
		for _, s := range secrets {
			require.NotContains(t, err.Error(), s, name)
		}
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, bad, string(after), "a damaged file is never replaced")
	}
}

func TestKeyringNeverPrintsKeys(t *testing.T) {
	t.Parallel()
	k, _ := keyring(t)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "k", k)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "k", k)
	out := fmt.Sprintf("%v %+v %#v %s %d", k, k, k, k, k)
	require.Equal(t, strings.TrimSpace(strings.Repeat("seal.Keyring(hidden) ", 5)), out)
	require.NotRegexp(t, `[A-Za-z0-9+/]{30,}|(\d+ ){8,}`, log.String())
}

func TestChain(t *testing.T) {
	t.Parallel()
	const id = "0190a5b0-0000-7000-8000-000000000001"
	start := seal.ChainStart(gulou, id)
	require.Equal(t, sha256.Sum256([]byte("yixian/1/350102/"+id)), start)
	one := seal.ChainNext(start[:], `{"v":1,"seq":1}`)
	require.Equal(t, sha256.Sum256(append(start[:], `{"v":1,"seq":1}`...)), [32]byte(one))
	require.NotEqual(t, seal.ChainNext(one, "b"), seal.ChainNext(start[:], "b"))
	// Known answers, so that the format cannot move by accident: computed with openssl dgst.
	require.Equal(t, "dbc3ba5ca3cdcbb0381a57544207d3d969dedf2f9c882f5825f63f3092d36ade", hex.EncodeToString(one))
	salt := seal.NewSalt()
	require.Len(t, salt, seal.SaltSize)
	require.NotEqual(t, salt, seal.NewSalt())
	require.Equal(t, sha256.Sum256(append(bytes.Clone(salt), "井盖破损"...)), [32]byte(seal.SaltedHash(salt, "井盖破损")))
}

func mode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want, info.Mode().Perm())
}

// Package seal owns the cryptography of personal data: the key file, encryption of single columns, the
// blind index for exact search, masks for what is shown, random tokens and the hash chain of case facts.
// It does not decide who may see what, stores nothing in the database and knows no table.
//
// # Keys
//
// One file outside the database (a dump without it is unreadable) holds the key-encryption keys (KEK,
// AES-256, each with an id) and one key for blind indexes. The data key of a district is not stored: it
// is HKDF-SHA256(KEK, info "yixian/pii/<district>"), so a new district needs no write to the key file, all
// nodes with the same file agree, and one district's data key can be handed over with the district without
// giving away any other's. The price: a single data key cannot be destroyed alone, so erasure blanks the
// columns (domain page 4g names both ways).
//
// Rotation adds a KEK and makes it current; old ones stay for reading until everything is sealed anew
// (Stale tells). The blind-index key does not rotate: search must keep finding old rows.
package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

const (
	fileVersion = 1
	keySize     = 32
	maxFile     = 1 << 20
)

// Keyring encrypts and indexes with the keys of one file. It is safe for concurrent use and sees keys
// that another process added to the file as soon as it meets a value sealed with one.
type Keyring struct {
	path   string
	reload sync.Mutex
	keys   atomic.Pointer[keyset]
}

// keyset is immutable once published, except for its cache of derived ciphers.
type keyset struct {
	current uint32
	keks    map[uint32][]byte
	blind   []byte
	aeads   sync.Map // dataKey → cipher.AEAD
	blinds  sync.Map // district → []byte
}

type dataKey struct {
	district string
	id       uint32
}

type keyFile struct {
	Version int       `json:"version"`
	Current uint32    `json:"current"`
	Keys    []fileKEK `json:"keys"`
	Blind   []byte    `json:"blind"`
}

type fileKEK struct {
	ID  uint32 `json:"id"`
	KEK []byte `json:"kek"`
}

// Open loads the keyring at path, or creates it with random keys when the file does not exist yet. Of
// several processes that start at once exactly one creates it and all use that one. A file that anybody
// but its owner may read or write is refused.
func Open(path string) (*Keyring, error) {
	set, err := load(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
		set, err = load(path)
	}
	if err != nil {
		return nil, err
	}
	k := &Keyring{path: path}
	k.keys.Store(set)
	return k, nil
}

// CurrentID is the id of the key that new values are sealed with.
func (k *Keyring) CurrentID() uint32 { return k.keys.Load().current }

// Check is a value that identifies the keyring without revealing a key. The application keeps it in the
// database and refuses to start when a different (for example freshly generated) key file is found there.
// It does not change with Rotate.
func (k *Keyring) Check() []byte {
	return mac(k.keys.Load().blind, []byte("yixian/check"))[:16]
}

// Format keeps keys out of every fmt and slog output.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "seal.Keyring(hidden)") }

func load(path string) (*keyset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of the open file: no race with a swap of the name
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("key file %s may be read or changed by others (mode %04o): run chmod 600 on it, and replace the keys if it was exposed", path, mode)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	kf, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged: %w; restore it from its backup", path, err)
	}
	return kf.set(), nil
}

// parse never puts file content into its errors: they go to the log.
func parse(raw []byte) (*keyFile, error) {
	var kf keyFile
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if dec.Decode(&kf) != nil {
		return nil, errors.New("not the expected JSON")
	}
	if kf.Version != fileVersion {
		return nil, fmt.Errorf("format version %d, this program knows %d", kf.Version, fileVersion)
	}
	if len(kf.Blind) != keySize {
		return nil, errors.New("blind-index key is not 32 bytes")
	}
	seen := make(map[uint32]bool, len(kf.Keys))
	for _, key := range kf.Keys {
		if key.ID == 0 || seen[key.ID] || len(key.KEK) != keySize {
			return nil, fmt.Errorf("key %d is malformed or doubled", key.ID)
		}
		seen[key.ID] = true
	}
	if !seen[kf.Current] {
		return nil, fmt.Errorf("current key %d is not in the file", kf.Current)
	}
	return &kf, nil
}

func (kf *keyFile) set() *keyset {
	s := &keyset{current: kf.Current, keks: make(map[uint32][]byte, len(kf.Keys)), blind: kf.Blind}
	for _, key := range kf.Keys {
		s.keks[key.ID] = key.KEK
	}
	return s
}

// aead returns the cipher of a district under one key id, or nil when the id is unknown.
func (s *keyset) aead(district string, id uint32) (cipher.AEAD, error) {
	at := dataKey{district, id}
	if a, ok := s.aeads.Load(at); ok {
		return a.(cipher.AEAD), nil
	}
	kek, ok := s.keks[id]
	if !ok {
		return nil, nil
	}
	a, err := newAEAD(derive(kek, "yixian/pii/"+district))
	if err != nil {
		return nil, err
	}
	s.aeads.Store(at, a)
	return a, nil
}

func (s *keyset) blindKey(district string) []byte {
	if b, ok := s.blinds.Load(district); ok {
		return b.([]byte)
	}
	b := derive(s.blind, "yixian/blind/"+district)
	s.blinds.Store(district, b)
	return b
}

// derive is HKDF-SHA256 (RFC 5869) without salt: the input keys are already uniformly random.
func derive(key []byte, info string) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, info, keySize)
	if err != nil {
		panic("seal: hkdf of a 32-byte key: " + err.Error()) // only possible with an absurd length
	}
	return out
}

func newKey() []byte {
	b := make([]byte, keySize)
	_, _ = rand.Read(b) // never fails since Go 1.24: the program dies instead
	return b
}

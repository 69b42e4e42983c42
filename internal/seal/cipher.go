package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// A sealed value is
//
//	version (1 byte) ‖ key id (4, big endian) ‖ nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16)
//
// and its additional data is the five header bytes and the length-prefixed district and field: a value
// copied into another row's column or another district does not open. Another cipher (SM4-GCM) would be
// another version byte. Random nonces are safe up to 2^32 values per district and key.
const (
	sealedV1   = 1
	headerSize = 5
	overhead   = headerSize + 12 + 16
)

var (
	// ErrOpen: the value is damaged, was altered, or belongs to another district or field.
	ErrOpen = errors.New("seal: value does not open")
	// ErrUnknownKey: the value was sealed with a key that the key file does not hold.
	ErrUnknownKey = errors.New("seal: unknown key id")
)

// Seal encrypts plain for one field ("phone", "name") of one district. The empty string gives nil, which
// is stored as NULL.
func (k *Keyring) Seal(district, field, plain string) ([]byte, error) {
	if plain == "" {
		return nil, nil
	}
	set := k.keys.Load()
	aead, err := set.aead(district, set.current)
	if err != nil {
		return nil, err
	}
	out := make([]byte, headerSize, overhead+len(plain))
	out[0] = sealedV1
	binary.BigEndian.PutUint32(out[1:], set.current)
	return aead.Seal(out, nil, []byte(plain), additional(out[:headerSize], district, field)), nil
}

// Open decrypts what Seal made for the same district and field; nil gives the empty string. The error
// wraps ErrOpen or ErrUnknownKey and holds nothing of the value.
func (k *Keyring) Open(district, field string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	if len(sealed) < overhead || sealed[0] != sealedV1 {
		return "", ErrOpen
	}
	id := binary.BigEndian.Uint32(sealed[1:headerSize])
	aead, err := k.keys.Load().aead(district, id)
	if err == nil && aead == nil {
		var set *keyset
		if set, err = k.refresh(id); err == nil {
			aead, err = set.aead(district, id)
		}
	}
	if err != nil {
		return "", err
	}
	if aead == nil {
		return "", fmt.Errorf("%w %d", ErrUnknownKey, id)
	}
	plain, err := aead.Open(nil, nil, sealed[headerSize:], additional(sealed[:headerSize], district, field))
	if err != nil {
		return "", ErrOpen
	}
	return string(plain), nil
}

// Stale reports whether a value was sealed with an older key than the current one, so that a rotation
// job can seal it anew.
func (k *Keyring) Stale(sealed []byte) bool {
	return len(sealed) >= headerSize && binary.BigEndian.Uint32(sealed[1:headerSize]) != k.CurrentID()
}

// Blind is the blind index of a value: HMAC-SHA-256 under a key of the district, 32 bytes, equal for
// equal (district, field, value) and useless without the key file. It serves exact search only; the
// caller brings the value into its one form first (a phone without blanks or +86).
func (k *Keyring) Blind(district, field, value string) []byte {
	return mac(k.keys.Load().blindKey(district), appendPrefixed(nil, field), []byte(value))
}

func additional(header []byte, district, field string) []byte {
	out := make([]byte, 0, len(header)+8+len(district)+len(field))
	out = append(out, header...)
	return appendPrefixed(appendPrefixed(out, district), field)
}

// appendPrefixed writes the length first, so that ("ab","c") and ("a","bc") differ.
func appendPrefixed(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return aead, nil
}

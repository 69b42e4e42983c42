package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"yixian/internal/fault"
)

// cost is what argon2id pays for one password: memory in KiB, passes, lanes.
type cost struct {
	memory, passes uint32
	lanes          uint8
}

var (
	production = cost{memory: 19 * 1024, passes: 2, lanes: 1} // OWASP Password Storage Cheat Sheet, its first choice by memory
	practice   = cost{memory: 64, passes: 1, lanes: 1}        // thousands of demo users in a second
)

const (
	saltLen = 16
	hashLen = 32
	form    = "$argon2id$v=%d$m=%d,t=%d,p=%d$" // the PHC string format, so that costs can rise without a migration
)

// hasher runs argon2id, only a few at a time: each holds its memory while it runs.
type hasher struct {
	cost  cost
	slots chan struct{}
	dummy string // of a password nobody knows, compared when there is no account
	runs  atomic.Int64
}

func newHasher(c cost, parallel int) *hasher {
	h := &hasher{cost: c, slots: make(chan struct{}, parallel)}
	h.dummy, _ = h.make(context.Background(), rand.Text()) // a context without end: no error
	return h
}

// run waits for its turn as long as the caller does.
func (h *hasher) run(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	h.runs.Add(1)
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, hashLen), nil
}

func (h *hasher) make(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt)
	sum, err := h.run(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf(form, argon2.Version, h.cost.memory, h.cost.passes, h.cost.lanes) + b64.EncodeToString(salt) + "$" + b64.EncodeToString(sum), nil
}

// matches does the same work whether there is a password ("" when not) and whether it is the right one.
func (h *hasher) matches(ctx context.Context, encoded, password string) (bool, error) {
	known := encoded != ""
	if !known {
		encoded = h.dummy
	}
	c, salt, want, err := decode(encoded)
	if err != nil {
		return false, err
	}
	got, err := h.run(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func decode(encoded string) (c cost, salt, sum []byte, err error) {
	var version int
	bad := func() (cost, []byte, []byte, error) {
		return cost{}, nil, nil, fmt.Errorf("auth: a stored password hash is malformed")
	}
	part := strings.Split(encoded, "$") // "", argon2id, v=, m=…, salt, hash
	if len(part) != 6 {
		return bad()
	}
	head := strings.Join(part[:4], "$") + "$"
	if n, _ := fmt.Sscanf(head, form, &version, &c.memory, &c.passes, &c.lanes); n != 4 || version != argon2.Version || c.passes == 0 || c.lanes == 0 {
		return bad()
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(part[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(part[5])
	if err1 != nil || err2 != nil || len(sum) != hashLen {
		return bad()
	}
	return c, salt, sum, nil
}

// The bounds of a staff password in characters.
const (
	minPassword = 12
	maxPassword = 128
)

// checkPassword refuses what is short or guessed first; pointer is the field that is blamed.
func checkPassword(pointer, username, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return fault.Invalid(pointer, "密码至少 %d 个字符", minPassword)
	case n > maxPassword:
		return fault.Invalid(pointer, "密码最多 %d 个字符", maxPassword)
	case weak(username, password):
		return fault.Invalid(pointer, "密码过于常见或有明显规律，请换一个")
	}
	return nil
}

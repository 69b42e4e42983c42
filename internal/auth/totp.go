package auth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238: what authenticator programs speak
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
)

// totpStep is the time step X of RFC 6238 in seconds.
const totpStep = 30

// totpMatch returns the time step whose code this is (RFC 6238 with HMAC-SHA-1 and six digits, as every authenticator app
// does it), or 0. One step before and after now is forgiven; a step not after last was used already (replay).
func totpMatch(secret []byte, code string, now, last int64) int64 {
	for _, step := range []int64{now, now - 1, now + 1} {
		if step > last && subtle.ConstantTimeCompare([]byte(totpCode(secret, step, 6)), []byte(code)) == 1 {
			return step
		}
	}
	return 0
}

// totpCode is HOTP (RFC 4226 §5.3) of the step.
func totpCode(secret []byte, step int64, digits int) string {
	h := hmac.New(sha1.New, secret)
	_ = binary.Write(h, binary.BigEndian, step)
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	mod := uint32(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

// totpSecret reads base32 as authenticator apps show it: in groups, in any case, without padding.
func totpSecret(text string) ([]byte, error) {
	text = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '=' {
			return -1
		}
		return r
	}, text))
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(secret) < 10 {
		return nil, fmt.Errorf("auth: not a TOTP secret")
	}
	return secret, nil
}

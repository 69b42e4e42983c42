package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// crockford is Douglas Crockford's base32 alphabet: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// receiptLen gives 8 × 5 = 40 random bits.
const receiptLen = 8

// Token is a 256-bit random secret (sessions, API keys): 43 URL-safe characters. Store its TokenHash only.
func Token() string { return random(32) }

// ShortToken is a 128-bit random secret (links in messages, QR codes): 22 URL-safe characters.
func ShortToken() string { return random(16) }

// TokenHash is what the database keeps of a token: its SHA-256. The token itself is random enough that
// no salt or slow hash is needed.
func TokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ReceiptCode is a new receipt code (查询码): 8 Crockford base32 characters, 40 random bits. Uniqueness is
// the database's business.
func ReceiptCode() string {
	b := make([]byte, receiptLen)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = crockford[b[i]&31] // 32 divides 256: no bias
	}
	return string(b)
}

// NormalizeReceipt brings a code as people type or read it out into its one form: upper case, no blanks
// or dashes, full-width letters made narrow, O→0, I and L→1. ok is false when the result cannot be a code.
func NormalizeReceipt(s string) (code string, ok bool) {
	var out strings.Builder
	for _, r := range s {
		if r >= '！' && r <= '～' { // full-width forms of an input method
			r -= '！' - '!'
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch r {
		case ' ', '\t', '\n', '\r', '\u3000', '\u00a0', '-', '_', '–', '—':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(crockford, r) || out.Len() == receiptLen {
			return "", false
		}
		out.WriteRune(r)
	}
	return out.String(), out.Len() == receiptLen
}

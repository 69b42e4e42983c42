package seal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/seal"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		for n, tok := range map[int]string{32: seal.Token(), 16: seal.ShortToken()} {
			raw, err := base64.RawURLEncoding.DecodeString(tok)
			require.NoError(t, err)
			require.Len(t, raw, n)
			require.False(t, seen[tok])
			seen[tok] = true
		}
	}
	require.Equal(t, sha256.Sum256([]byte("abc")), [32]byte(seal.TokenHash("abc")))
}

func TestReceiptCodeUsesAllBits(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var seen [8]map[byte]int
	for i := range seen {
		seen[i] = map[byte]int{}
	}
	for range 4000 {
		code := seal.ReceiptCode()
		require.Len(t, code, 8)
		for i := range len(code) {
			require.Contains(t, alphabet, code[i:i+1])
			seen[i][code[i]]++
		}
	}
	for i := range seen {
		require.Len(t, seen[i], 32, "place %d: 4000 draws show every letter (missing one: p < 1e-53)", i)
	}
}

func TestNormalizeReceipt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"7KQ2M9XA": "7KQ2M9XA", "7kq2-m9xa": "7KQ2M9XA", " 7kq2 m9xa\n": "7KQ2M9XA", "oil0oil0": "01100110", "OILOOILO": "01100110",
		"７ｋｑ２－ｍ９ｘａ": "7KQ2M9XA", "7KQ2—M9XA": "7KQ2M9XA",
	} {
		got, ok := seal.NormalizeReceipt(in)
		require.True(t, ok, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "7KQ2M9X", "7KQ2M9XAB", "7KQ2M9XU", "7KQ2M9X张", strings.Repeat("-", 1000), "'; drop--"} {
		_, ok := seal.NormalizeReceipt(in)
		require.False(t, ok, in)
	}
	rapid.Check(t, func(t *rapid.T) {
		code := seal.ReceiptCode()
		typed := code
		if rapid.Bool().Draw(t, "lower") {
			typed = strings.ToLower(typed)
		}
		at := rapid.IntRange(0, 8).Draw(t, "at")
		typed = typed[:at] + rapid.SampledFrom([]string{"", " ", "-", "　", "--"}).Draw(t, "gap") + typed[at:]
		typed = strings.NewReplacer("0", rapid.SampledFrom([]string{"0", "o", "O"}).Draw(t, "zero"), "1", rapid.SampledFrom([]string{"1", "i", "I", "l", "L"}).Draw(t, "one")).Replace(typed)
		if got, ok := seal.NormalizeReceipt(typed); !ok || got != code {
			t.Fatalf("%q → %q, want %q", typed, got, code)
		}
	})
}

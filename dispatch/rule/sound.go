package rule

import (
	"strings"
	"sync"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// normal is the form in which words are compared: lower case, full-width folded, letters and digits only.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// spoken rewrites Fuzhou words and short forms as the catalogue writes them (data/spoken.csv: said, written).
// At one place the longest entry wins.
var spoken = sync.OnceValue(func() *strings.Replacer {
	byLength := map[int][]string{}
	longest := 0
	err := eachRow("spoken.csv", func(r []string) {
		n := len(r[0])
		byLength[n] = append(byLength[n], r[0], r[1])
		longest = max(longest, n)
	})
	if err != nil {
		panic("rule: embedded spoken words: " + err.Error()) // caught by every test of this package
	}
	var pairs []string
	for n := longest; n > 0; n-- {
		pairs = append(pairs, byLength[n]...)
	}
	return strings.NewReplacer(pairs...)
})

var syllables = pinyin.NewArgs()

// accent folds what a Fuzhou tongue does not keep apart: zh/z, ch/c, sh/s, n/l, h/f, -ng/-n.
func accent(syllable string) string {
	for _, p := range [...][2]string{{"zh", "z"}, {"ch", "c"}, {"sh", "s"}, {"n", "l"}, {"h", "f"}} {
		if rest, ok := strings.CutPrefix(syllable, p[0]); ok {
			syllable = p[1] + rest
			break
		}
	}
	return strings.TrimSuffix(syllable, "g")
}

// soundOf packs the toneless, accent-folded syllable of a Han character into one rune beyond Unicode, so that sounds are
// compared by the same code as characters. Other characters, and rare ones without a reading, stand for themselves.
func soundOf(r rune) rune {
	if r < 0x4e00 || r > 0x9fff {
		return r
	}
	s := pinyin.SinglePinyin(r, syllables)
	if len(s) == 0 {
		return r
	}
	code := rune(0)
	for _, b := range []byte(accent(s[0])) { // at most five letters of 26: below 2^25
		code = code*27 + rune(b-'a'+1)
	}
	return 0x200000 + code
}

func sounds(rs []rune) []rune {
	out := make([]rune, len(rs))
	for i, r := range rs {
		out[i] = soundOf(r)
	}
	return out
}

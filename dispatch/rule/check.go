package rule

import (
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"
)

// CheckMode says how a finished case is checked: "ALL", "SAMPLE(30)" (30 percent), "PHONE" or "NONE".
type CheckMode string

const (
	CheckAll   CheckMode = "ALL"
	CheckPhone CheckMode = "PHONE"
	CheckNone  CheckMode = "NONE"
)

var sampleForm = regexp.MustCompile(`^SAMPLE\((100|[1-9]?[0-9])\)$`)

// Sample is the check mode that draws percent of 100 cases.
func Sample(percent int) CheckMode { return CheckMode("SAMPLE(" + strconv.Itoa(percent) + ")") }

func (m CheckMode) valid() bool {
	return m == CheckAll || m == CheckPhone || m == CheckNone || sampleForm.MatchString(string(m))
}

// Percent is how many of 100 cases are checked: ALL and PHONE 100, NONE 0, SAMPLE(p) p.
// A mode that cannot be read counts as 100: an unclear setting must not switch checks off.
func (m CheckMode) Percent() int {
	if m == CheckNone {
		return 0
	}
	if sampleForm.MatchString(string(m)) {
		p, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(string(m), "SAMPLE("), ")"))
		return p
	}
	return 100
}

// Drawn reports whether the case is checked. The draw is a hash of the case id, so it can be repeated and
// proved by anybody and influenced by nobody.
func (m CheckMode) Drawn(caseID string) bool {
	sum := sha256.Sum256([]byte("yixian/check/" + caseID))
	return int(binary.BigEndian.Uint64(sum[:8])%100) < m.Percent()
}

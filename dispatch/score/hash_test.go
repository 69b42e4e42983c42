package score

import (
	"bytes"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyFact draws a fact of whatever members, texts that must be escaped among them.
func anyFact(t *rapid.T) Fact {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "LEAD", "EX1", "01a226a3-2e1b-7782-a223-a82137affa69", "<&>\"\\", "军门\u2028", "\xff"}), rapid.String())
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		zone := time.FixedZone("", rapid.SampledFrom([]int{0, 8 * 3600, -3*3600 - 1800}).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.SampledFrom([]int64{0, 1, 999, 1000, 120_000_000, 999_999_999}).Draw(t, "ns")).In(zone)
	})
	maybe := rapid.Ptr(instant, true)
	return Fact{Kind: text.Draw(t, "kind"), ID: text.Draw(t, "id"), Case: text.Draw(t, "case"), Role: text.Draw(t, "role"), At: maybe.Draw(t, "at"), Due: maybe.Draw(t, "due"), Done: maybe.Draw(t, "done"),
		Again: rapid.SliceOfN(instant, 0, 3).Draw(t, "again"), Extended: rapid.Bool().Draw(t, "extended"), Paused: rapid.Bool().Draw(t, "paused"), Valid: rapid.Bool().Draw(t, "valid"), Yes: rapid.Bool().Draw(t, "yes"),
		Grade: rapid.IntRange(0, 5).Draw(t, "grade"), Seconds: rapid.Int64Range(-5, 1e6).Draw(t, "seconds"), LegalDue: maybe.Draw(t, "legal"), Excluded: text.Draw(t, "excluded"),
		Elsewhere: rapid.Bool().Draw(t, "elsewhere"), Late: rapid.Bool().Draw(t, "late")}
}

// TestFactLinesAreJSON: what is hashed is what encoding/json makes of a fact with its instants in UTC and microseconds, so that
// sheets frozen by it keep their hashes. A member added to Fact and forgotten here shows as well.
func TestFactLinesAreJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFact(t)
		line := string(appendFact(nil, &f))
		utc := func(at *time.Time) {
			if at != nil {
				*at = at.UTC().Truncate(time.Microsecond)
			}
		}
		for _, at := range []*time.Time{f.At, f.Due, f.Done, f.LegalDue} {
			utc(at)
		}
		for i := range f.Again {
			utc(&f.Again[i])
		}
		var want bytes.Buffer
		require.NoError(t, json.NewEncoder(&want).Encode(f))
		require.Equal(t, want.String(), line)
	})
}

// TestHoursOfSecondsAreHours: whole seconds give what exact fractions of hours give.
func TestHoursOfSecondsAreHours(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.SliceOfN(rapid.Int64Range(0, 1e7), 0, 40).Draw(t, "seconds")
		var hours []*big.Rat
		for _, s := range seconds {
			hours = append(hours, big.NewRat(s, 3600))
		}
		require.Equal(t, HoursOf(hours), hoursOfSeconds(seconds))
	})
}

package score

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// answerOf reads a fixture after a change and gives its answer as text by key.
func answerOf(t *testing.T, change func(map[string]any)) map[string]string {
	t.Helper()
	var file map[string]any
	require.NoError(t, json.Unmarshal(WorkedExample, &file))
	if change != nil {
		change(file)
	}
	raw, err := json.Marshal(file)
	require.NoError(t, err)
	f, err := ReadFixture(raw, worktime.Default())
	require.NoError(t, err)
	out := map[string]string{}
	for k, v := range f.Answer() {
		out[k] = fmt.Sprint(v)
	}
	return out
}

func TestWorkedExample(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{"period": "2026-06", "need_dispose": "10", "on_time_disposal_rate": "0.7000", "disposal_rate": "0.9000", "overdue_open_rate": "0.1000", "rework_rate": "0.2000",
		"call_targets_due": "7", "call_response_rate": "0.8571", "on_time_checkin_rate": "0.5714", "valid_ratings": "7", "resolution_rate": "0.8571", "satisfied_rate": "0.7143",
		"satisfaction_index": "0.6714", "caller_rating": "0.7500", "weight": "1.0000", "sufficient": "true", "composite": "73.7143", "deductions": "1.5000", "after_deductions": "72.2143"}, answerOf(t, nil))

	noCalls := answerOf(t, func(f map[string]any) { delete(f, "call_targets"); delete(f, "street_scores") })
	require.Equal(t, "75.4945", noCalls["composite"], "the weights of N/A indicators are shared out")
	require.Equal(t, "0.6500", noCalls["weight"])
	require.Equal(t, "<nil>", noCalls["call_response_rate"])

	few := answerOf(t, func(f map[string]any) {
		delete(f, "call_targets")
		delete(f, "street_scores")
		f["ratings"] = f["ratings"].([]any)[:4]
	})
	require.Equal(t, "72.8571", few["composite"])
	require.Equal(t, "0.3500", few["weight"])
	require.Equal(t, "false", few["sufficient"], "insufficient data")
	require.Equal(t, "4", few["valid_ratings"])
	require.Equal(t, "<nil>", few["satisfied_rate"])

	nothing := answerOf(t, func(f map[string]any) {
		for _, k := range []string{"assignments", "call_targets", "ratings", "street_scores"} {
			delete(f, k)
		}
	})
	require.Equal(t, "<nil>", nothing["composite"], "an empty period has no score")
	require.Equal(t, "<nil>", nothing["after_deductions"])
	require.Equal(t, "0.0000", nothing["weight"])

	most := answerOf(t, func(f map[string]any) {
		f["cards"] = map[string]any{"yellow": 3, "red": 9}
		f["unfounded_returns"] = 100
	})
	require.Equal(t, "63.7143", most["after_deductions"], "at most 10 points are taken off")
}

// The file that others measure us by says the same; without it this test has nothing to compare.
func TestSharedVector(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../shared/data/assessment_vector.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the shared vector is not here")
	}
	require.NoError(t, err)
	f, err := ReadFixture(raw, worktime.Default())
	require.NoError(t, err)
	var want struct {
		Expected  map[string]float64
		Composite float64
		After     float64 `json:"after_deductions"`
	}
	require.NoError(t, json.Unmarshal(raw, &want))
	got := map[string]float64{}
	answer, err := json.Marshal(f.Answer())
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, json.Unmarshal(answer, &all))
	for k := range want.Expected {
		got[k], _ = all[k].(float64)
	}
	require.Equal(t, want.Expected, got)
	require.Equal(t, []any{want.Composite, want.After}, []any{all["composite"], all["after_deductions"]})
}

func TestStreetComposite(t *testing.T) {
	t.Parallel()
	of := map[string]Ratio{AcceptOnTime.ID: {47, 48}, AccurateDispatch.ID: {44, 47}, OnTimeDisposal.ID: {38, 41}, Rework.ID: {3, 41}, Resolution.ID: {26, 30}, Satisfied.ID: {27, 30}}
	c := Compose(Street, of)
	require.Equal(t, "91.5599", decimal(c.Value))
	require.True(t, c.Sufficient())
	for id, want := range map[string]string{AcceptOnTime.ID: "0.9792", AccurateDispatch.ID: "0.9362", OnTimeDisposal.ID: "0.9268", Resolution.ID: "0.8667", Satisfied.ID: "0.9000"} {
		require.Equal(t, want, of[id].Decimal(), id)
	}
	sum := int64(0)
	for _, w := range Street {
		sum += w.Hundreds
	}
	for _, w := range Department {
		sum += w.Hundreds
	}
	require.EqualValues(t, 200, sum)
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	list := []*big.Rat{}
	for _, x := range []string{"19", "0.5", "1", "2.25", "3", "4", "6.5", "8", "11"} {
		r, _ := new(big.Rat).SetString(x)
		list = append(list, r)
	}
	require.Equal(t, Hours{9, "4.0000", "12.6000", "6.1389"}, HoursOf(list))
	require.Equal(t, Hours{}, HoursOf(nil))
	require.Equal(t, "19.0000", HoursOf(list[:1]).P90)
}

func TestHonestPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		num, den      int64
		decimal, text string
	}{{4999, 5000, "0.9998", "99.98%"}, {49999, 50000, "0.9999", "99.99%"}, {5000, 5000, "1.0000", "100%"}, {0, 7, "0.0000", "0.00%"}, {1, 1000000, "0.0001", "0.01%"},
		{559, 567, "0.9859", "98.59%"}, {1, 8, "0.1250", "12.50%"}, {12345, 100000, "0.1235", "12.35%"}, {0, 0, "", "—"}} {
		r := Ratio{c.num, c.den}
		require.Equal(t, c.decimal, r.Decimal(), "%d/%d", c.num, c.den)
		require.Equal(t, c.text, r.Text(), "%d/%d", c.num, c.den)
		require.Equal(t, c.den == 0, r.Value() == nil)
	}
	require.Equal(t, "-5.0000", decimal(big.NewRat(-5, 1)), "a composite below its deductions")
	require.Equal(t, "-0.1249", decimal(big.NewRat(-12495, 100000)), "half up on both sides of zero")
}

func TestRankingWithTies(t *testing.T) {
	t.Parallel()
	list := []Standing{{Unit: "D", Score: big.NewRat(80, 1)}, {Unit: "E"}, {Unit: "A", Score: big.NewRat(90, 1)}, {Unit: "C", Score: big.NewRat(85, 1)}, {Unit: "B", Score: big.NewRat(85, 1)}}
	Rank(list)
	got := ""
	for _, s := range list {
		got += fmt.Sprint(s.Unit, s.Rank, " ")
	}
	require.Equal(t, "A1 B2 C2 D4 E0 ", got)
}

func TestFixtureErrorsNameTheRow(t *testing.T) {
	t.Parallel()
	for want, file := range map[string]string{
		"/assignments/1/2":   `{"assignments":[["a1","LEAD","2026-06-03T12:00:00",null,0,0],["a2","LEAD","yesterday",null,0,0]]}`,
		"/assignments/0/1":   `{"assignments":[["a1","BOSS","2026-06-03T12:00:00",null,0,0]]}`,
		"/assignments/0":     `{"assignments":[["a1","LEAD","2026-06-03T12:00:00",null,0]]}`,
		"/assignments/1":     `{"assignments":[["a1","LEAD","2026-06-03T12:00:00",null,0,0],["a1","LEAD","2026-06-03T12:00:00",null,0,0]]}`,
		"/call_targets/0/3":  `{"call_targets":[["c1","2026-06-03T12:00:00",null,"no"]]}`,
		"/call_targets/0/1":  `{"call_targets":[["c1",null,null,0]]}`,
		"/ratings/0/4":       `{"ratings":[["r1","2026-06-03T12:00:00",1,1,6,0]]}`,
		"/street_scores/2/0": `{"street_scores":[1,5,0]}`,
		"/period":            `{"period":"2026-6"}`,
		"/as_of":             `{"as_of":"soon"}`,
		"/cards":             `{"unfounded_returns":-1}`,
		"":                   `[]`,
	} {
		_, err := ReadFixture([]byte(file), worktime.Default())
		e, ok := fault.As(err)
		require.True(t, ok, "%s: %v", file, err)
		require.Equal(t, want, e.Fields[0].Pointer, file)
	}
}

// Until when a sheet looks is part of its question.
func TestAsOf(t *testing.T) {
	t.Parallel()
	mid := answerOf(t, func(f map[string]any) { f["as_of"] = "2026-06-10T00:00:00" })
	require.Equal(t, "4", mid["need_dispose"], "a1, a2, a3 and a4, which was done before its due")
	require.Equal(t, "3", mid["call_targets_due"])
	require.Equal(t, answerOf(t, nil), answerOf(t, func(f map[string]any) { f["as_of"] = "2026-08-01T00:00:00" }), "after the end nothing changes")
}

// Every assignment and every call target is in exactly one month for ever, however late it is looked at; and the facts of
// a sheet are a set: their order changes no byte.
func TestEveryDutyInExactlyOnePeriod(t *testing.T) {
	t.Parallel()
	zone := worktime.Default().Location()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	rapid.Check(t, func(t *rapid.T) {
		at := func(label string) time.Time {
			return start.Add(time.Duration(rapid.Int64Range(0, 11*30*86400).Draw(t, label)) * time.Second)
		}
		var facts []Fact
		for i := range rapid.IntRange(1, 12).Draw(t, "n") {
			due := at("due")
			f := Fact{Kind: rapid.SampledFrom([]string{KindAssignment, KindTarget}).Draw(t, "kind"), ID: fmt.Sprint(i), Due: &due}
			if rapid.Bool().Draw(t, "done?") {
				done := at("done")
				f.Done = &done
			}
			facts = append(facts, f)
		}
		seen := map[string]int{}
		var need int64
		for m := range 13 {
			p, err := Month(start.AddDate(0, m, 0).Format("2006-01"), zone)
			require.NoError(t, err)
			for i := range facts {
				if p.Concerns(&facts[i]) {
					seen[facts[i].ID]++
				}
			}
			s := Make("d", "u", KindDepartment, p, 1, facts)
			need += s.NeedDispose + s.CallTargetsDue
			again := rapid.Permutation(facts).Draw(t, "order")
			require.Equal(t, s.Payload(), Make("d", "u", KindDepartment, p, 1, again).Payload())
		}
		require.EqualValues(t, len(facts), need)
		for id, n := range seen {
			require.Equal(t, 1, n, id)
		}
		require.Len(t, seen, len(facts))
	})
}

// An exclusion under EX2 puts the lawful deadline in place of the promised one.
func TestLegalDeadline(t *testing.T) {
	t.Parallel()
	p, err := Month("2026-06", worktime.Default().Location())
	require.NoError(t, err)
	at := func(day, hour int) *time.Time {
		x := p.Start.AddDate(0, 0, day-1).Add(time.Duration(hour) * time.Hour)
		return &x
	}
	late := Fact{Kind: KindAssignment, ID: "a", Due: at(5, 12), Done: at(9, 12)}
	require.Equal(t, Ratio{0, 1}, OnTimeDisposal.Count(p, []Fact{late}))
	late.LegalDue = at(10, 12)
	require.Equal(t, Ratio{1, 1}, OnTimeDisposal.Count(p, []Fact{late}))
	late.Done, late.LegalDue = nil, at(35, 0)
	require.Equal(t, Ratio{0, 0}, OnTimeDisposal.Count(p, []Fact{late}), "the lawful deadline has not come")
}

func TestExclusionRateIsPublishedAndFlagged(t *testing.T) {
	t.Parallel()
	p, err := Month("2026-06", worktime.Default().Location())
	require.NoError(t, err)
	due := p.Start.Add(time.Hour)
	var facts []Fact
	for i := range 20 {
		facts = append(facts, Fact{Kind: KindAssignment, ID: fmt.Sprint(i), Due: &due})
	}
	facts[0].Excluded, facts[1].Excluded = "EX7", "EX1"
	s := Make("d", "u", KindDepartment, p, 1, facts)
	require.Equal(t, []Taken{{"EX1", 1}, {"EX7", 1}}, s.Taken)
	require.Equal(t, []any{int64(1), int64(19)}, []any{s.ExclusionRate.Num, s.ExclusionRate.Den}, "automatic exclusions are shown and are no request")
	require.True(t, s.ExclusionFlag)
	require.EqualValues(t, 18, s.NeedDispose)
}

package worktime_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/worktime"
)

func TestParseBudget(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		canonical string
		seconds   int64
		working   bool
	}{
		"30NM":    {"30NM", 1800, false},
		"24NH":    {"24NH", 86400, false},
		"7ND":     {"7ND", 7 * 86400, false},
		"30WM":    {"30WM", 1800, true},
		"4WH":     {"4WH", 4 * 3600, true},
		"5WD":     {"5WD", 5 * 8 * 3600, true},
		" 4 wh ":  {"4WH", 4 * 3600, true},
		"3660ND":  {"3660ND", 3660 * 86400, false},
		"2600 WD": {"2600WD", 2600 * 8 * 3600, true},
	} {
		b, err := worktime.ParseBudget(text)
		require.NoError(t, err, text)
		require.Equal(t, want.canonical, b.String())
		require.Equal(t, want.seconds, b.Seconds(), text)
		require.Equal(t, want.working, b.Working(), text)
	}
}

func TestParseBudgetRefuses(t *testing.T) {
	t.Parallel()
	for text, hint := range map[string]string{
		"": "正整数", "WH": "正整数", "4": "正整数", "-4WH": "正整数", "+4WH": "正整数", "4.5WH": "正整数", "4XX": "正整数",
		"4WHX": "正整数", "４WH": "正整数", "4W H": "正整数", "0WH": "大于零", "000NM": "大于零",
		"3661ND": "十年", "2601WD": "十年", "999999999NM": "十年",
		strings.Repeat("9", 40) + "NM": "十年",
	} {
		_, err := worktime.ParseBudget(text)
		require.True(t, fault.Is(err, "BAD_BUDGET"), "%q: %v", text, err)
		e, _ := fault.As(err)
		require.Equal(t, 422, e.Status)
		require.Contains(t, e.Detail, hint, text)
	}
}

func TestValidateLiteralBudgets(t *testing.T) {
	t.Parallel()
	require.NoError(t, worktime.Budget{N: 4, Unit: worktime.WH}.Validate())
	for _, b := range []worktime.Budget{{}, {N: 1}, {N: 1, Unit: "XX"}, {N: -1, Unit: worktime.NH}, {N: 1 << 40, Unit: worktime.WD}} {
		require.Error(t, b.Validate(), "%+v", b)
	}
}

func TestBudgetJSONAndSQL(t *testing.T) {
	t.Parallel()
	type row struct {
		B worktime.Budget `json:"b"`
	}
	for _, text := range []string{`{"b":"4WH"}`, `{"b":""}`} {
		var r row
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		out, err := json.Marshal(r)
		require.NoError(t, err)
		require.JSONEq(t, text, string(out))

		stored, err := r.B.Value()
		require.NoError(t, err)
		back := row{B: worktime.Budget{N: 9, Unit: worktime.NM}}
		require.NoError(t, back.B.Scan(stored))
		require.Equal(t, r, back)
	}
	var r row
	require.True(t, fault.Is(json.Unmarshal([]byte(`{"b":"4"}`), &r), "BAD_BUDGET"))
	require.True(t, r.B.IsZero(), "a refused text leaves the budget alone")
	_, err := json.Marshal(row{B: worktime.Budget{N: -1, Unit: worktime.WD}})
	require.True(t, fault.Is(err, "BAD_BUDGET"))
	require.NoError(t, r.B.Scan([]byte("2ND")))
	require.Equal(t, worktime.Budget{N: 2, Unit: worktime.ND}, r.B)
	require.Error(t, r.B.Scan(4))
}

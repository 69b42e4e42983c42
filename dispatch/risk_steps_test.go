package dispatch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/dispatch/score"
	"yixian/internal/fault"
)

// A district sets its own steps: levels and formula follow at once, what is wrong changes nothing, and the change is on record.
func TestRiskSteps(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.june()
	room := newEngineRoom(d, d.db.Engine)
	room.work(d)
	require.NoError(t, room.once(t.Context()))
	level := func() (int, int64) {
		t.Helper()
		tiles, err := d.desk.RiskLevels(t.Context(), d.actor("supervisor"), 1)
		require.NoError(t, err)
		require.Len(t, tiles.Rows, 1)
		return tiles.Rows[0].Level, tiles.Rows[0].Points
	}
	before, points := level()
	require.Equal(t, []any{1, int64(1)}, []any{before, points}, "one case is open")

	for pointer, bad := range map[string][]int64{"/steps": {1, 2, 3}, "/steps/0": {0, 2, 3, 4}, "/steps/2": {1, 5, 5, 9}, "/steps/3": {1, 2, 3, 100_001}} {
		_, err := d.desk.SetRiskSteps(t.Context(), d.actor("admin"), bad)
		f, ok := fault.As(err)
		require.True(t, ok, err)
		require.Equal(t, []any{"INVALID", pointer}, []any{f.Code, f.Fields[0].Pointer})
	}
	_, err := d.desk.SetRiskSteps(t.Context(), d.actor("supervisor"), []int64{1, 2, 3, 4})
	require.True(t, fault.Is(err, "FORBIDDEN"), "%v", err)
	_, err = d.db.App.Pool.Exec(t.Context(), "select yx_set_risk_steps('{4,3,2,1}')")
	require.NoError(t, err)
	require.Equal(t, "{}", d.text("select settings::text from tenant"), "the database takes nothing else either")

	steps, err := d.desk.SetRiskSteps(t.Context(), d.actor("admin"), []int64{1, 2, 30, 60})
	require.NoError(t, err)
	after, points := level()
	require.Equal(t, []any{2, int64(1)}, []any{after, points})
	require.Contains(t, steps.Formula(), "level 1 below 1 points, 2 from 1, 3 from 2, 4 from 30, 5 from 60")
	inForce, err := d.desk.RiskSteps(t.Context(), d.actor("supervisor"))
	require.NoError(t, err)
	require.Equal(t, steps, inForce)
	require.Equal(t, `[5, 15, 30, 60] [1, 2, 30, 60]`, d.text("select (before->'steps')::text || ' ' || (after->'steps')::text from audit_event where kind = 'risk_steps'"))
	require.Equal(t, score.DefaultRiskSteps, riskSteps([]byte(`{"risk_steps":[9,1,2,3]}`)), "what are no steps leaves the default")
}

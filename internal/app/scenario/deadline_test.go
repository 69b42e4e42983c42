package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/app"
)

// TestScenario14 is scenario 14 by the vectors of `yixian deadline`; suspension and extension through the API follow
// with the whole lifecycle.
func TestScenario14DeadlineVectors(t *testing.T) {
	t.Parallel()
	due := func(start, budget string, suspend ...string) string {
		t.Helper()
		var out bytes.Buffer
		require.NoError(t, app.Deadline(&out, start, budget, suspend, ""))
		var answer map[string]string
		require.NoError(t, json.Unmarshal(out.Bytes(), &answer))
		return answer["due"]
	}
	require.Equal(t, "2026-06-11T09:00:00+08:00", due("2026-06-08T09:00:00+08:00", "3WD"))
	require.Equal(t, "2026-06-17T11:00:00+08:00", due("2026-06-08T09:00:00+08:00", "3WD", "2026-06-09T10:00:00+08:00..2026-06-15T14:00:00+08:00"))
	require.Equal(t, "2026-06-18T11:00:00+08:00", due("2026-06-08T09:00:00+08:00", "4WD", "2026-06-09T10:00:00+08:00..2026-06-15T14:00:00+08:00"), "extended by 1 WD")

	var vectors []struct {
		Start, Unit, Deadline string
		N                     int
	}
	require.NoError(t, json.Unmarshal(data(t, "sla_vectors.json"), &vectors))
	questions := []map[string]string{}
	for _, v := range vectors {
		questions = append(questions, map[string]string{"start": v.Start, "budget": fmt.Sprint(v.N, v.Unit)})
	}
	file := filepath.Join(t.TempDir(), "vectors.json")
	raw, err := json.Marshal(questions)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	var out bytes.Buffer
	require.NoError(t, app.Deadline(&out, "", "", nil, file))
	var answers []map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &answers))
	require.Len(t, answers, len(vectors))
	for i, v := range vectors {
		want, err := time.ParseInLocation("2006-01-02T15:04:05", v.Deadline, time.Local)
		require.NoError(t, err)
		got, err := time.Parse(time.RFC3339, answers[i]["due"])
		require.NoError(t, err)
		require.True(t, got.Equal(want), "%v: got %s, want %s", v, got, want)
	}
}

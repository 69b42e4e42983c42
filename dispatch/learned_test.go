package dispatch

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/grid"
)

// A dispatcher who files a case under another matter than the suggested one teaches the words; it counts at once, and only then.
func TestCorrectionsAreCounted(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	report := func(words string) *Receipt {
		r, _, err := d.desk.Submit(context.Background(), d.actor("lin"), &Submission{Text: words, Point: inJunmen})
		require.NoError(t, err)
		return r
	}
	d.do("dispatcher", report("路灯不亮好几天了").CaseID, ActFile, map[string]any{"matter": "01037"})
	require.Zero(t, d.count("select count(*) from suggest_count"), "the suggestion was right")
	for range 4 {
		d.do("dispatcher", report("门口那个咕咚咕咚的又来了").CaseID, ActFile, map[string]any{"matter": "23014"})
	}
	require.Equal(t, 3, d.count("select max(n) from suggest_count where item = '23014'"), "after three it is the suggestion, and the fourth corrects nothing")
	got := d.worlds.Get(grid.DemoDistrict).Catalog.Suggest("门口那个咕咚咕咚的又来了")
	require.NotEmpty(t, got)
	require.Equal(t, "23014", got[0].Item.Code)
	require.Equal(t, rule.Learned, got[0].Reasons[0].How)
	require.Zero(t, d.count("select count(*) from suggest_count where term ~ '[0-9a-zA-Z]'"))
}

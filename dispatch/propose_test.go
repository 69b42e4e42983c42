package dispatch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/internal/fault"
)

// What a case's rule proposes and demands of a call is what the rules said when the case was routed: a set that is published
// afterwards concerns the cases that come after it.
func TestProposalIsTheRoutedOne(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	before := d.submit("chen", matterBuilding, inGarden).CaseID
	w := d.worlds.Get("350102")
	none, err := rule.NewSet(nil, w.Catalog, rule.Directory{Units: map[string]rule.Unit{}, StreetOf: map[string]string{"350102004": "S-DJ"}})
	require.NoError(t, err)
	w.Rules = none
	after := d.submit("chen", matterBuilding, inGarden).CaseID
	proposal := func(name string) *rule.Call {
		t.Helper()
		id := before
		if name == "after" {
			id = after
		}
		o, err := d.desk.View(t.Context(), d.actor("dj-officer"), id)
		require.NoError(t, err)
		return o.Snapshot.Proposal()
	}
	p := proposal("before")
	require.NotNil(t, p)
	require.Equal(t, "D-CG", p.Lead)
	require.True(t, p.Required)
	if q := proposal("after"); q != nil { // by the catalogue alone
		require.False(t, q.Required)
	}
	body := map[string]any{"level": "L1", "reason": "NO_POWER", "targets": []any{map[string]any{"unit": "D-CG", "lead": true}}}
	d.do("dj-officer", before, ActSign, nil)
	_, err = d.act("dj-officer", before, ActCall, body)
	require.True(t, fault.Is(err, "LEVEL_TOO_LOW"), "%v", err)
	d.do("dj-leader", before, ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": body["targets"]})
}

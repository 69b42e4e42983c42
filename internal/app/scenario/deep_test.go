package scenario

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// A monitor without an account asks /healthz/deep: it is told figures, and 503 when a row was changed by hand.
func TestDeepHealth(t *testing.T) {
	p := start(t)
	deep := func() *reply {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(p.base, "/api/v1")+"/healthz/deep", nil)
		require.NoError(t, err)
		return p.anyone().send(req)
	}
	looked := func(holds func(*reply) bool) *reply {
		t.Helper()
		for {
			if r := deep(); holds(r) || t.Context().Err() != nil {
				return r
			}
			_, err := p.db.Engine.Pool.Exec(t.Context(), "select pg_sleep(0.05)")
			require.NoError(t, err)
		}
	}
	one := func(r *reply) obj { return r.list("districts")[0] }
	ok := looked(func(r *reply) bool { return r.Status == 200 })
	require.Equal(t, "ok", ok.str("status"))
	require.Equal(t, obj{}, one(ok)["findings"])
	require.Equal(t, 0.0, one(ok)["law"].(obj)["received"])

	id := p.resident(1).report("06001").ok(201).str("case_id")
	p.at("06-08 09:20")
	_, err := p.db.Engine.Pool.Exec(t.Context(), "update sla_clock set next_at = yx_now() - interval '2 minutes', state = 'RUNNING' where case_id = $1 and next_at is not null", uuid.MustParse(id))
	require.NoError(t, err)
	_, err = p.db.Engine.Pool.Exec(t.Context(), "insert into outbox_parked (district, case_id, seq, reason) values ('350102', $1, 1, 'x')", uuid.MustParse(id))
	require.NoError(t, err)
	_, err = p.db.Engine.Pool.Exec(t.Context(), "update audit_beat set real_at = real_at - interval '91 seconds'")
	require.NoError(t, err)
	r := looked(func(r *reply) bool { return r.Status == 503 })
	require.Equal(t, "failing", r.str("status"))
	require.NotContains(t, string(r.Raw), id)
}

package dispatch

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// The city sees its districts beside each other and no other city's; a count of a few is withheld, and a ratio from which it could be
// taken; nobody of a district sees another one.
func TestCityComparesItsDistricts(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.june() // three cases: too few to be told
	newEngineRoom(d, d.db.Engine).work(d)
	for _, sql := range []string{
		"insert into tenant (district, name, city) values ('350103', '台江区', '福州市'), ('350203', '思明区', '厦门市')",
		`insert into rollup_day (district, dim, key, day, received, closed, open, overdue, a_den, a_ontime, r_den, r_yes, r_good) values ('350103', 'S', '350103001', '2026-06-08', 40, 30, 10, 4, 30, 20, 12, 9, 12), ('350203', 'S', '350203001', '2026-06-08', 99, 99, 0, 0, 0, 0, 0, 0, 0)`,
	} {
		_, err := d.db.Engine.Pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	require.NoError(t, d.worlds.Load(t.Context()))
	city := auth.Actor{District: "350102", Account: uuid.New(), Kind: auth.Staff, Now: d.now(), Bindings: []auth.Binding{{Role: auth.RoleCityViewer}}}
	from, to := time.Date(2026, 6, 8, 0, 0, 0, 0, morning.Location()), time.Date(2026, 6, 9, 0, 0, 0, 0, morning.Location())
	list, asOf, err := d.desk.Districts(t.Context(), city, from, to)
	require.NoError(t, err)
	require.True(t, asOf.Equal(d.now()))
	require.Len(t, list, 2)
	own, other := list[0], list[1]
	require.Equal(t, []string{"350102", "350103"}, []string{own.District, other.District})
	require.Nil(t, own.Received, "three are a few")
	require.Nil(t, own.OnTimeDisposal)
	require.EqualValues(t, 0, *own.Overdue, "none is no secret")
	require.Equal(t, []int64{40, 30, 10}, []int64{*other.Received, *other.Closed, *other.Open})
	require.Nil(t, other.Overdue, "four are a few")
	require.Equal(t, Ratio{Num: 20, Den: 30}, *other.OnTimeDisposal)
	require.Nil(t, other.Resolution, "nine of twelve tell that three said no")
	require.Equal(t, Ratio{Num: 12, Den: 12}, *other.Satisfied)

	for _, name := range []string{"supervisor", "admin", "js-leader"} {
		_, _, err := d.desk.Districts(t.Context(), d.actor(name), from, to)
		require.True(t, fault.Is(err, "FORBIDDEN"), name)
	}
	_, _, err = d.desk.Districts(t.Context(), city, to, from)
	require.True(t, fault.Is(err, "INVALID"))
}

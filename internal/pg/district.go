package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
)

type districtKey struct{}

// WithDistrict returns a context whose queries see the rows of one district (a 6-digit code). It counts when
// a connection is taken: inside a transaction the district stays that of its begin.
func WithDistrict(ctx context.Context, code string) context.Context {
	return context.WithValue(ctx, districtKey{}, code)
}

// District returns the code given to WithDistrict, "" without one.
func District(ctx context.Context) string {
	code, _ := ctx.Value(districtKey{}).(string)
	return code
}

// districtOf is the key under which a connection remembers the district it was last set to.
const districtOf = "yixian.district"

// prepareConn runs whenever a connection leaves the pool, for pgx and for gorm alike, and gives it the
// district of the context. A context without a district clears it: such a connection sees nothing. The
// session's value may only be changed here, or what the connection remembers would be a lie; SQL that needs
// another value for a while uses set_config(…, true), which ends with its transaction.
func prepareConn(ctx context.Context, conn *pgx.Conn) (bool, error) {
	want := District(ctx)
	memory := conn.PgConn().CustomData()
	if have, _ := memory[districtOf].(string); have == want {
		return true, nil
	}
	if _, err := conn.Exec(ctx, "select set_config('app.district', $1, false)", want); err != nil {
		if ctx.Err() == nil && conn.IsClosed() {
			return false, nil // it died in the pool: take another one
		}
		return false, err
	}
	memory[districtOf] = want
	return true, nil
}

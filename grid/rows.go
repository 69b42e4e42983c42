package grid

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readAreas reads rows of areasSQL.
func readAreas(ctx context.Context, db querier, sql string, args ...any) ([]Area, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var list []Area
	var a Area
	var ground pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&a.District, &a.Code, &a.Version, &a.Level, &a.Kind, &a.Name, &a.Parent, &a.LandUse, &a.Approx, &ground, &a.ValidFrom, &a.ValidTo, &a.BegunBy, &a.EndedBy}, func() error {
		a.Polygon.s = nil
		if ground != nil {
			if err := a.Polygon.Scan([]byte(ground)); err != nil {
				return pointedAt(err, "/areas/"+a.Code+"/polygon")
			}
		}
		list = append(list, a)
		a = Area{}
		return nil
	})
	return list, err
}

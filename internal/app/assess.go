package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// Assess is `yixian assess --fixture FILE`: the sheet of a file of facts, without a database.
func Assess(w io.Writer, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("无法读取文件 / cannot read the file: %w", err)
	}
	f, err := score.ReadFixture(raw, worktime.Default())
	if err != nil {
		return err
	}
	return answer(w, f.Answer())
}

// assessmentFixture is fixture F with the worked example of domain 4d as recorded facts of D-CG, at the end of its period.
const assessmentFixture = "assessment"

// loadExample writes the worked example into fixture F and lets the clock stand at the end of its period.
func (a *App) loadExample(ctx context.Context) (time.Time, error) {
	f, err := score.ReadFixture(score.WorkedExample, worktime.Default())
	if err != nil {
		return time.Time{}, err
	}
	people := map[string]uuid.UUID{}
	rows, err := a.Engine.Pool.Query(ctx, "select username, id from account where district = $1 and username in ('sup1', 'aud1')", grid.DemoDistrict)
	if err != nil {
		return time.Time{}, pg.Fault(err)
	}
	var name string
	var id uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&name, &id}, func() error { people[name] = id; return nil }); err != nil {
		return time.Time{}, pg.Fault(err)
	}
	if err := a.sysDesk.LoadFacts(ctx, grid.DemoDistrict, "D-CG", "S-DJ", grid.Point{Lon: 119.3080, Lat: 26.0875}, f, people["sup1"], people["aud1"]); err != nil {
		return time.Time{}, err
	}
	return f.Period.End, a.stand(ctx, f.Period.End)
}

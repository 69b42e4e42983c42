package grid

import (
	"context"
	"io"
	"slices"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

// load imports a file: all of it or nothing. prepare makes the new thing of a line and what is there (nil for none), for what
// a file does not say.
func (r *register[T]) load(ctx context.Context, o *Office, a auth.Actor, file io.Reader, dry bool, prepare func(old *T, v *T)) (*Imported, error) {
	if err := admin(a); err != nil {
		return nil, err
	}
	rows, problems, err := r.sheet.Read(file)
	if err != nil {
		return nil, err
	}
	if err := problems.Fault(); err != nil {
		return nil, err
	}
	out := &Imported{DryRun: dry, Lines: len(rows)}
	err = r.begin(ctx, o, a, func(tx pgx.Tx) error {
		items := make([]item[T], len(rows))
		for i := range rows {
			items[i] = item[T]{Line: rows[i].Line, New: rows[i].Value}
		}
		if err := r.fill(ctx, tx, a.District, items); err != nil {
			return err
		}
		for i := range items {
			prepare(items[i].Old, &items[i].New)
		}
		if err := r.check(ctx, tx, a, items, func(i int, key, what, mend string) {
			problems.Add(items[i].Line, r.header(key), what, mend)
		}); err != nil {
			return err
		}
		if err := problems.Fault(); err != nil {
			return err
		}
		write := items[:0:0]
		for i := range items {
			switch {
			case items[i].Old == nil:
				out.Created++
			case r.same(items[i].Old, &items[i].New):
				out.Unchanged++
				continue
			default:
				out.Changed++
			}
			write = append(write, items[i])
		}
		if dry || len(write) == 0 {
			return nil
		}
		if r.first != nil {
			slices.SortStableFunc(write, func(a, b item[T]) int { return rank(r.first(&b.New)) - rank(r.first(&a.New)) })
		}
		if err := r.write(ctx, tx, a, write); err != nil {
			return err
		}
		return r.tell(ctx, tx, a, "import", write)
	})
	if err != nil {
		return nil, err
	}
	if dry || out.Changes() == 0 {
		return out, nil
	}
	return out, o.changed(ctx)
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}

// header is the column of a field in a file.
func (r *register[T]) header(key string) string {
	for _, c := range r.sheet.Columns {
		if c.Key == key {
			return c.Name
		}
	}
	return key
}

// export writes everything, page by page, into a file that load finds nothing to change in.
func (r *register[T]) export(ctx context.Context, o *Office, a auth.Actor, to io.Writer, format sheet.Format) error {
	if err := admin(a); err != nil {
		return err
	}
	list, err := r.rows(pg.WithDistrict(ctx, a.District), o.db.Pool, "x.district = $1", sheet.MaxRows, a.District)
	if err != nil {
		return pg.Fault(err)
	}
	return r.sheet.Write(to, format, list)
}

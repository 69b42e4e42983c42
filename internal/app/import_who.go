package app

import (
	"context"
	"fmt"
	"io"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/sheet"
)

// What `yixian import` knows of who answers for what. The same files are taken over HTTP.
var whoImports = map[string]importer{
	"units": table(func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
		return a.office().ImportUnits(ctx, who, file, dry)
	}),
	"components": table(func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
		return a.office().ImportComponents(ctx, who, file, dry)
	}),
	"devices": table(func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
		return a.office().ImportDevices(ctx, who, file, dry)
	}),
	"rosters": table(func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
		return a.office().ImportRosters(ctx, who, file, dry)
	}),
	"place_codes": table(func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
		return a.office().ImportPlaceCodes(ctx, who, file, dry)
	}),
	"calendar": table(func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
		return a.worlds.ImportDays(ctx, a.App, who, file, dry)
	}),
	"users": table(importUsers),
}

// invited is a new user's one-time link on the terminal: the only time it is shown.
type invited struct {
	Username  string `json:"username"`
	URL       string `json:"url"`
	ExpiresAt string `json:"expires_at"`
}

func importUsers(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error) {
	if err := a.people(); err != nil {
		return nil, err
	}
	got, tickets, err := a.auth.ImportStaff(ctx, who, file, dry)
	if err != nil {
		return nil, err
	}
	out := struct {
		*sheet.Imported
		Invitations []invited `json:"invitations,omitempty"`
	}{Imported: got}
	for _, t := range tickets {
		out.Invitations = append(out.Invitations, invited{t.Username, a.cfg.PublicURL + "w/#/password/" + t.Token, t.ExpiresAt.Format("2006-01-02 15:04")})
	}
	return out, nil
}

// table is an importer of a CSV or XLSX file. What is wrong goes to refused, one problem on a line: line, column, what, how to
// mend it.
func table(load func(ctx context.Context, a *App, who auth.Actor, file io.Reader, dry bool) (any, error)) importer {
	return func(ctx context.Context, a *App, q ImportQuery, file io.Reader, out, refused io.Writer) error {
		now, err := a.now(ctx)
		if err != nil {
			return err
		}
		got, err := load(ctx, a, auth.SystemActor(q.District, now), file, q.DryRun)
		if e, ok := fault.As(err); ok && e.Status < 500 {
			list, _ := e.Extra["problems"].([]sheet.Problem)
			for _, p := range list {
				column := ""
				if p.Column != "" {
					column = "“" + p.Column + "”列"
				}
				fmt.Fprintf(refused, "%s:%d: %s%s；%s\n", q.File, p.Line, column, p.What, p.Mend)
			}
			fmt.Fprintf(refused, "%s: %s\n", e.Code, e.Detail)
			return ErrRefused
		}
		if err != nil {
			return err
		}
		return answer(out, got)
	}
}

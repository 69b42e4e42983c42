package local

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// socketLimit is sun_path without its closing zero: 107 bytes on Linux, 103 on the BSDs and macOS.
const socketLimit = 103

// socketDir makes a fresh directory of mode 0700 for a socket called name and returns its path. A path over the limit
// or out of the account's reach is passed over for the next candidate.
func socketDir(ctx context.Context, who account, probe, wanted, name string) (string, error) {
	var last error
	for _, base := range []string{wanted, os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp", "/var/tmp"} {
		if base == "" || len(base)+len("/yx-0123456789/")+len(name) > socketLimit {
			continue
		}
		base, err := filepath.Abs(base)
		if err != nil || !who.reaches(ctx, probe, base) {
			continue
		}
		if base == wanted {
			if err := makeDir(base); err != nil {
				last = err
				continue
			}
		}
		dir, err := os.MkdirTemp(base, "yx-") // mode 0700, a name nobody can foresee
		if err != nil {
			last = err
			continue
		}
		if err := who.own(dir); err != nil {
			_ = os.Remove(dir)
			last = err
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("no short, reachable directory for a socket: %w", last)
}

// dsn is the address of a database behind the socket directory. Trust is safe there: nobody else gets in.
func dsn(socket, role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	u.RawQuery = url.Values{"host": {socket}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

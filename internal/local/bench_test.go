package local

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkStart measures the first start (initdb, bootstrap) and later ones, on the disk of TMPDIR.
func BenchmarkStart(b *testing.B) {
	for _, kind := range []string{"cold", "warm"} {
		b.Run(kind, func(b *testing.B) {
			base := disk(b)
			dir := filepath.Join(base, "pg")
			p, err := StartPostgres(b.Context(), PostgresOptions{Dir: dir})
			require.NoError(b, err)
			require.NoError(b, p.Stop(b.Context()))
			for n := 0; b.Loop(); n++ {
				if kind == "cold" {
					dir = filepath.Join(base, strconv.Itoa(n))
				}
				p, err := StartPostgres(b.Context(), PostgresOptions{Dir: dir})
				require.NoError(b, err)
				b.StopTimer()
				require.NoError(b, p.Stop(b.Context()))
				b.StartTimer()
			}
		})
	}
}

// disk is b.TempDir within reach of the account root's server runs under.
func disk(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("", "yixian-bench-")
	require.NoError(b, err)
	require.NoError(b, os.Chmod(dir, 0o755))
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

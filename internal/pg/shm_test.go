package pg_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// shmDir is t.TempDir in memory and within reach of the account root's server runs under.
func shmDir(t *testing.T) string {
	t.Helper()
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = os.TempDir()
	}
	dir, err := os.MkdirTemp(base, "yixian-test-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

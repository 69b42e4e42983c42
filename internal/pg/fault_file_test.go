package pg_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

// A file-system error is not a database that is away: whoever waits for the database must not wait for it.
func TestFaultLeavesFileErrorsAlone(t *testing.T) {
	t.Parallel()
	_, err := os.Open(filepath.Join(t.TempDir(), "absent"))
	require.Error(t, err)
	require.Equal(t, err, pg.Fault(err))
}

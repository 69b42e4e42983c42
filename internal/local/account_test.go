package local

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

// somebody is an ordinary account to play with; only root can become it.
func somebody(t *testing.T) account {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	who, err := accountFor("", "nobody")
	require.NoError(t, err)
	return who
}

func (a account) credential() *syscall.Credential {
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

func TestAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	who := somebody(t)
	base := memory(t)
	require.NoError(t, os.Chown(base, who.uid, who.gid))
	dir := filepath.Join(base, "pg")

	p := startPlayer(t, dir, who.credential())
	s := p.says(t)
	require.Empty(t, s.Detail)
	require.Equal(t, dir, s.Dir)
	require.Equal(t, pg.RoleApp, query[string](t, s.URL, "select current_user::text"))
	require.NoError(t, p.stdin.Close())
	require.NoError(t, p.cmd.Wait(), "a clean end")

	// Root comes later and keeps the owner of the data, although "postgres" is its first choice.
	later := up(t, PostgresOptions{Dir: dir})
	uid, _, err := owner(filepath.Join(dir, dataName))
	require.NoError(t, err)
	require.Equal(t, who.uid, uid)
	require.Equal(t, dir, later.Dir)
}

func TestNoWritePermission(t *testing.T) {
	t.Parallel()
	base := memory(t)
	var credential *syscall.Credential
	closed := filepath.Join(base, "closed")
	if os.Geteuid() == 0 {
		credential = somebody(t).credential()
		require.NoError(t, os.Mkdir(closed, 0o755))
	} else {
		require.NoError(t, os.Mkdir(closed, 0o555))
	}
	for name, dir := range map[string]string{"missing": filepath.Join(closed, "pg"), "empty": closed} {
		s := startPlayer(t, dir, credential).says(t)
		require.Equal(t, CodeNoAccess, s.Code, "%s: %s", name, s.Detail)
		require.Contains(t, s.Detail, dir)
	}
	require.NotContains(t, tree(t, closed), dataName)
}

func TestRootMovesWhenTheServerCannotReachTheDirectory(t *testing.T) {
	t.Parallel()
	somebody(t)
	base := memory(t)
	home := filepath.Join(base, "home")
	require.NoError(t, os.Mkdir(home, 0o700))
	wanted := filepath.Join(home, "pg")
	p := up(t, PostgresOptions{Dir: wanted, Fast: true, fallback: filepath.Join(base, "system")})
	require.NotEqual(t, wanted, p.Dir)
	require.Equal(t, filepath.Join(base, "system"), filepath.Dir(p.Dir))
	require.NoDirExists(t, wanted)
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: wanted, Fast: true, fallback: filepath.Join(base, "system")})
	refused(t, err, CodeRunning)
}

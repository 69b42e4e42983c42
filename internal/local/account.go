package local

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// account is the user a server runs as. PostgreSQL refuses root, so root steps down; everybody else stays.
type account struct {
	uid, gid int
	drop     bool // we are root and must step down
}

// accountFor returns the owner of existing data, so that a cluster made under one name stays with it,
// and otherwise the first of the names that exists.
func accountFor(data string, names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	if uid, gid, err := owner(data); err == nil && uid != 0 {
		return account{uid: uid, gid: gid, drop: true}, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(u.Uid)
		gid, errGID := strconv.Atoi(u.Gid)
		if errUID == nil && errGID == nil && uid != 0 {
			return account{uid: uid, gid: gid, drop: true}, nil
		}
	}
	return account{}, errors.New("no unprivileged account to step down to")
}

func owner(path string) (uid, gid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.ErrUnsupported
	}
	return int(st.Uid), int(st.Gid), nil
}

// dress makes cmd run as the account, in its own process group: Ctrl-C at the terminal must reach us
// first, so that requests drain before the database goes.
func (a account) dress(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// own hands a path over to the account.
func (a account) own(path string) error {
	if !a.drop {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// reaches reports whether the account can walk to dir (or to its nearest existing parent). It asks the
// kernel by changing into it as that user: that sees ACLs and mounts, which no reading of mode bits does.
func (a account) reaches(ctx context.Context, program, dir string) bool {
	if !a.drop {
		return true
	}
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
	cmd := exec.CommandContext(ctx, program, "--version")
	a.dress(cmd)
	cmd.Dir = dir
	return cmd.Run() == nil
}

// makeDir makes dir with mode 0700 and its missing parents with mode 0755, whatever the umask says: a
// parent the account cannot walk through would lock it out. What exists is left as it is.
func makeDir(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || !errors.Is(err, os.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	for i, m := range slices.Backward(missing) {
		mode := os.FileMode(0o755)
		if i == 0 {
			mode = 0o700
		}
		if err := os.Mkdir(m, mode); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if err := os.Chmod(m, mode); err != nil {
			return err
		}
	}
	return nil
}

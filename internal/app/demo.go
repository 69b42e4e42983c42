package app

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// demoPassword is drawn once for an installation and kept beside its data (0600), so that it can be read again.
func (a *App) demoPassword() (string, error) {
	path := filepath.Join(a.cfg.Data, "demo-password.txt")
	raw, err := os.ReadFile(path)
	if err == nil && len(raw) > 12 {
		return strings.TrimSpace(string(raw)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	password := "yx-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
	return password, os.WriteFile(path, []byte(password+"\n"), 0o600)
}

// SignIns prints who can sign in to this installation's demo or sandbox.
func (a *App) SignIns(w io.Writer) {
	t := a.worlds.Tenants()
	if len(t) == 0 {
		return
	}
	password := "sandbox-<username>"
	if !a.cfg.Sandbox {
		raw, err := os.ReadFile(filepath.Join(a.cfg.Data, "demo-password.txt"))
		if err != nil {
			return
		}
		password = strings.TrimSpace(string(raw))
	}
	fmt.Fprintf(w, "  登录密码 password: %s\n", password)
	for _, line := range [][2]string{
		{"dis1 dis2", "区指挥中心调度员 dispatchers        /desk/"}, {"sup1", "督查员 supervisor                  /desk/"},
		{"so1 sl1 ss1", "东街街道 经办/主任/书记 street      /w/ /desk/"}, {"gw1 gw2 co1", "网格员/社区 grid workers            /w/"},
		{"cg1 cgl js1 xf1 ld1", "部门经办/领导 departments           /w/ /desk/"},
	} {
		fmt.Fprintf(w, "  %-20s %s\n", line[0], line[1])
	}
	if a.cfg.Sandbox {
		fmt.Fprintln(w, "  居民 residents: 13900000001 … 13900000005，验证码见 GET /api/v1/sandbox/messages")
	} else {
		fmt.Fprintln(w, "  居民 residents: 任意手机号，验证码打印在此日志中 / any phone number, the code is printed in this log")
	}
}

// Demo is `yixian demo`: it loads the demo district into an empty database and prints who can sign in.
func Demo(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	if err := a.people(); err != nil {
		return err
	}
	if err := a.loadDemo(ctx); err != nil {
		return err
	}
	ix := a.worlds.Index()
	fmt.Fprintf(w, "演示辖区已载入 demo district loaded: %d areas\n", ix.Len())
	a.SignIns(w)
	return nil
}

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"time"

	"yixian/frontend"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// Doctor is `yixian doctor`: it looks at the surroundings and the configuration and says what to mend.
func Doctor(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	bad := 0
	say := func(ok bool, what, mend string) {
		mark := "✓"
		if !ok {
			mark = "✗"
			bad++
		}
		fmt.Fprintf(w, "%s %s\n", mark, what)
		if !ok && mend != "" {
			fmt.Fprintf(w, "    → %s\n", mend)
		}
	}
	if err := cfg.finish(); err != nil {
		say(false, "配置 configuration: "+err.Error(), "")
		return ErrRefused
	}
	say(true, "配置 configuration", "")
	for _, s := range cfg.Settings() {
		if s.Value != "" && s.Value != "[]" && s.Value != "map[]" {
			fmt.Fprintf(w, "    %-26s %s\n", s.Name, s.Value)
		}
	}
	if l, err := net.Listen("tcp", cfg.Listen); err != nil {
		say(false, "端口 port "+cfg.Listen, "端口被占用或无权限：请停止占用者或换一个端口 / the port is in use: stop its owner or choose another")
	} else {
		_ = l.Close()
		say(true, "端口 port "+cfg.Listen, "")
	}
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
		say(false, "数据目录 data directory "+cfg.Data, "无写权限：请更换目录或修正权限 / not writable: choose another directory or mend its rights")
	} else {
		say(true, "数据目录 data directory "+cfg.Data, "")
	}
	if _, err := exec.LookPath("redis-server"); err != nil && cfg.RedisURL == "" {
		fmt.Fprintln(w, "· redis-server 未安装：使用进程内替代 / not installed: the in-process stand-in is used")
	} else {
		say(true, "Redis", "")
	}
	say(!frontend.Missing(), "网页 pages", "请先运行 make / run `make` first")
	if missing := worktime.Default().Missing(time.Now(), time.Now().AddDate(0, 2, 0)); len(missing) > 0 {
		fmt.Fprintf(w, "! 工作日历缺少 working calendar lacks %v：按周一至周五计算 / Mon–Fri is used\n", missing)
	} else {
		say(true, "工作日历 working calendar", "")
	}
	a, err := attach(ctx, cfgBefore(cfg), log)
	if err != nil {
		say(false, "数据库 database: "+err.Error(), "")
	} else {
		defer a.Close(context.WithoutCancel(ctx))
		v, err := a.App.SchemaVersion(ctx)
		want, _ := pg.ExpectedVersion()
		say(err == nil && v == want, fmt.Sprintf("数据库 database, schema %d of %d", v, want), "yixian migrate up")
		say(len(a.worlds.Tenants()) > 0, fmt.Sprintf("辖区 districts: %d", len(a.worlds.Tenants())), "yixian demo，或导入辖区数据 / load the demo or import your district")
		say(true, "密钥 key file "+a.cfg.KeyFile, "")
	}
	if bad > 0 {
		return ErrRefused
	}
	return nil
}

// cfgBefore undoes what finish derives, so that attach may derive it again.
func cfgBefore(c Config) Config {
	if c.Sandbox {
		c.Data = c.Data[:len(c.Data)-len("/sandbox")]
	}
	return c
}

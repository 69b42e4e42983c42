package local

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// RedisOptions says where the socket may live. Redis keeps nothing on disk: it holds only what may be lost.
type RedisOptions struct {
	Dir     string // parent of the socket directory; empty: the runtime or temporary directory
	Program string // empty: redis-server on PATH; a name that does not exist gives miniredis
	Log     *slog.Logger
}

// Redis is a running private Redis or its stand-in.
type Redis struct {
	options redis.Options
	socket  string
	process *process
	mini    *miniredis.Miniredis
	quit    chan struct{}
	idle    chan struct{}
}

// StartRedis starts redis-server, and miniredis inside this process where there is none or it does not run.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	program := o.Program
	if program == "" {
		program = "redis-server"
	}
	path, err := exec.LookPath(program)
	if err == nil {
		r, err := startServer(ctx, path, o.Dir, log)
		if err == nil || ctx.Err() != nil {
			return r, err
		}
		log.Warn("redis-server does not run, using the built-in stand-in", slog.Any("error", err))
	}
	return startMini()
}

func startServer(ctx context.Context, path, dir string, log *slog.Logger) (*Redis, error) {
	who, err := accountFor("", "redis", "nobody")
	if err != nil {
		return nil, err
	}
	r := &Redis{}
	if r.socket, err = socketDir(ctx, who, path, dir, "redis.sock"); err != nil {
		return nil, err
	}
	sock := filepath.Join(r.socket, "redis.sock")
	r.options = redis.Options{Network: "unix", Addr: sock}
	r.process = &process{name: "redis", log: log, onDie: syscall.SIGKILL, onStop: []syscall.Signal{syscall.SIGTERM},
		build: func() *exec.Cmd {
			cmd := exec.Command(path, "--port", "0", "--unixsocket", sock, "--unixsocketperm", "700", "--dir", r.socket,
				"--save", "", "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--daemonize", "no")
			who.dress(cmd)
			cmd.Dir, cmd.Env = r.socket, environment()
			return cmd
		}}
	if err := r.process.start(); err != nil {
		_ = os.RemoveAll(r.socket)
		return nil, err
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: sock, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	for deadline := time.After(5 * time.Second); ; {
		if client.Ping(ctx).Err() == nil {
			r.process.settle()
			return r, nil
		}
		var why error
		select {
		case <-r.process.died:
			why = fmt.Errorf("redis-server ended: %s", r.process.lastWords())
		case <-deadline:
			why = fmt.Errorf("redis-server did not answer: %s", r.process.lastWords())
		case <-ctx.Done():
			why = ctx.Err()
		case <-time.After(2 * time.Millisecond):
			continue
		}
		_ = r.Stop(context.WithoutCancel(ctx))
		return nil, why
	}
}

// startMini listens on a free port of the loopback (miniredis knows no Unix socket) behind a random password.
func startMini() (*Redis, error) {
	m := miniredis.NewMiniRedis()
	password := rand.Text()
	m.RequireAuth(password)
	if err := m.Start(); err != nil {
		return nil, refuse(CodeRedis, "没有 redis-server，内置替身也没有启动成功。", "There is no redis-server, and the built-in stand-in did not start.").Because(err)
	}
	r := &Redis{mini: m, options: redis.Options{Addr: m.Addr(), Password: password}, quit: make(chan struct{}), idle: make(chan struct{})}
	go func() {
		defer close(r.idle)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.FastForward(time.Second) // its keys expire only when told that time passed
			case <-r.quit:
				return
			}
		}
	}()
	return r, nil
}

// Options returns a fresh copy for redis.NewClient.
func (r *Redis) Options() *redis.Options { o := r.options; return &o }

// Kind is "redis-server" or "miniredis".
func (r *Redis) Kind() string {
	if r.mini != nil {
		return "miniredis"
	}
	return "redis-server"
}

// PID is the process id of redis-server, 0 for the stand-in.
func (r *Redis) PID() int {
	if r.process == nil {
		return 0
	}
	return r.process.pid()
}

// Stop ends the server; what it held is gone. It must be called once.
func (r *Redis) Stop(ctx context.Context) error {
	if r.mini != nil {
		close(r.quit)
		<-r.idle
		r.mini.Close()
		return nil
	}
	err := r.process.stop(ctx)
	_ = os.RemoveAll(r.socket)
	return err
}

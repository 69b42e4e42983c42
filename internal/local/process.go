package local

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process keeps one server running: it starts it, brings it back when it dies unasked, and ends it.
type process struct {
	name   string
	build  func() *exec.Cmd // a fresh command for every start
	log    *slog.Logger
	onDie  syscall.Signal // what the kernel sends when we are gone (Linux)
	onStop []syscall.Signal

	mu       sync.Mutex
	cmd      *exec.Cmd
	stopping bool
	tail     []string // last words, for the error of a failed start

	ended chan struct{} // closed when the keeper is done
	first chan error    // the result of the first exec
	died  chan struct{} // closed when the server ended before settle was called
	ready bool
}

// start launches the server and returns when its process exists. The keeper lives on one locked OS
// thread: Linux sends the parent-death signal when the *thread* that forked ends, and Go ends threads.
func (p *process) start() error {
	p.ended, p.first, p.died = make(chan struct{}), make(chan error, 1), make(chan struct{})
	go p.keep()
	return <-p.first
}

func (p *process) keep() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	pause := 100 * time.Millisecond
	for n := 0; ; n++ {
		began := time.Now()
		wait, err := p.exec()
		if n == 0 {
			p.first <- err
			if err != nil {
				return
			}
		}
		if err == nil {
			err = wait()
		}
		p.mu.Lock()
		stopping, ready := p.stopping, p.ready
		p.mu.Unlock()
		if !ready {
			close(p.died)
			return
		}
		if stopping {
			return
		}
		if time.Since(began) > time.Minute {
			pause = 100 * time.Millisecond
		}
		p.log.Error("embedded server ended unasked, starting it again",
			slog.String("server", p.name), slog.Any("error", err), slog.Duration("in", pause))
		time.Sleep(pause)
		pause = min(2*pause, 5*time.Second)
		p.mu.Lock()
		stopping = p.stopping
		p.mu.Unlock()
		if stopping {
			return
		}
	}
}

// exec starts one incarnation; the returned function waits for its end.
func (p *process) exec() (wait func() error, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := p.build()
	cmd.Stdout, cmd.Stderr = w, w
	dieWithParent(cmd, p.onDie)
	p.mu.Lock()
	if p.stopping {
		p.mu.Unlock()
		_, _ = r.Close(), w.Close()
		return nil, context.Canceled
	}
	err = cmd.Start()
	if err == nil {
		p.cmd = cmd
	}
	p.mu.Unlock()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	read := make(chan struct{})
	go func() { defer close(read); p.listen(r) }()
	return func() error {
		err := cmd.Wait()
		// Children of a killed server may hold the pipe a little longer; its last words are worth a moment.
		select {
		case <-read:
		case <-time.After(time.Second):
		}
		_ = r.Close()
		return err
	}, nil
}

// listen passes the server's own words to the log and keeps the last of them.
func (p *process) listen(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		level := slog.LevelDebug
		// A server that is asked too early says so as FATAL; whoever waits for it knows.
		if (strings.Contains(line, "FATAL:") || strings.Contains(line, "PANIC:")) && !strings.Contains(line, "is starting up") {
			level = slog.LevelWarn
		}
		p.log.Log(context.Background(), level, "embedded server", slog.String("server", p.name), slog.String("line", line))
		p.mu.Lock()
		if p.tail = append(p.tail, line); len(p.tail) > 20 {
			p.tail = p.tail[1:]
		}
		p.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, r) // an over-long line ends the scanner, but the server must never block on its log
}

func (p *process) lastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.tail, "\n")
}

// forget drops the words of a start that failed for a passing reason.
func (p *process) forget() { p.mu.Lock(); p.tail = nil; p.mu.Unlock() }

// settle says that the server answered: from now on an unasked end is followed by a new start.
func (p *process) settle() { p.mu.Lock(); p.ready = true; p.mu.Unlock() }

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// stop sends the stop signals one after the other and waits for the end. When ctx ends, the remaining, ruder
// signals get one second each; the last is SIGKILL.
func (p *process) stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	hurry := ctx.Done()
	for _, sig := range p.onStop {
		p.signal(sig)
		patience := 10 * time.Second
		if hurry == nil && ctx.Err() != nil {
			patience = time.Second
		}
		select {
		case <-p.ended:
			return nil
		case <-time.After(patience):
		case <-hurry:
			hurry = nil
		}
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
	return ctx.Err()
}

func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(sig) // an error means that it has ended already
	}
}

package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"yixian/internal/fault"
)

// minFree is the share of the volume that photos leave free: the database may live on the same one, and
// it needs the rest more than another photo does.
const minFree = 0.05

// unfinished is the folder of Puts under way, on the same volume as the blobs.
const unfinished = "unfinished"

// Files is a Store in a folder: <folder>/<2 hex>/<2 hex>/<key>, named by the last digits of the id (the
// first ones of a time-ordered id would put a whole day into one folder). Everything happens inside the
// folder by os.Root: no key and no symbolic link leads out.
type Files struct {
	root    *os.Root
	minFree float64
}

// NewFiles opens the store in folder and creates it (0700) when it is missing.
func NewFiles(folder string) (*Files, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("photo folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("photo folder: %w", err)
	}
	if err := root.MkdirAll(unfinished, 0o700); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("photo folder: %w", err)
	}
	return &Files{root: root, minFree: minFree}, nil
}

// Close lets go of the folder.
func (s *Files) Close() error { return s.root.Close() }

// Put writes to a file nobody looks at, syncs it, gives it its name, and syncs the folder.
func (s *Files) Put(ctx context.Context, key string, r io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.roomLeft(); err != nil {
		return err
	}
	temp := path.Join(unfinished, key+"-"+NewID())
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return full(fmt.Errorf("store photo: %w", err))
	}
	_, err = io.Copy(f, &stoppable{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.publish(temp, key)
	}
	if err != nil {
		_ = s.root.Remove(temp)
		return full(fmt.Errorf("store photo: %w", err))
	}
	return nil
}

func (s *Files) publish(temp, key string) error {
	name := shard(key)
	folder := path.Dir(name)
	fresh := false
	if _, err := s.root.Stat(folder); err != nil {
		if err := s.root.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		fresh = true
	}
	if err := s.root.Rename(temp, name); err != nil {
		return err
	}
	err := s.sync(folder)
	if err == nil && fresh { // the folders themselves must be found again too
		err = errors.Join(s.sync(path.Dir(folder)), s.sync("."))
	}
	if err != nil {
		_ = s.root.Remove(name) // not known to be durable: an error must leave nothing
	}
	return err
}

func (s *Files) sync(folder string) error {
	d, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open reads a blob.
func (s *Files) Open(_ context.Context, key string) (io.ReadSeekCloser, Info, error) {
	if err := checkKey(key); err != nil {
		return nil, Info{}, fault.NotFound().Because(errors.Join(err, fs.ErrNotExist))
	}
	f, err := s.root.Open(shard(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Info{}, fault.NotFound().Because(err)
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("open photo: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, Info{}, fmt.Errorf("open photo: %w", err)
	}
	return f, Info{Size: info.Size(), ModTime: info.ModTime()}, nil
}

// Delete removes a blob. A crash may bring it back without its row; then Sweep deletes it.
func (s *Files) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.root.Remove(shard(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete photo: %w", err)
	}
	return nil
}

// Walk visits the blobs last written before an instant.
func (s *Files) Walk(ctx context.Context, before time.Time, fn func(key string) error) error {
	return s.walk(ctx, ".", before, func(name string) error {
		if key := path.Base(name); checkKey(key) == nil && shard(key) == name {
			return fn(key)
		}
		return nil
	})
}

// Tidy removes unfinished Puts that were last written to before an instant.
func (s *Files) Tidy(ctx context.Context, before time.Time) (int, error) {
	n := 0
	err := s.walk(ctx, unfinished, before, func(name string) error {
		if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tidy photos: %w", err)
		}
		n++
		return nil
	})
	return n, err
}

func (s *Files) walk(ctx context.Context, from string, before time.Time, fn func(name string) error) error {
	return fs.WalkDir(s.root.FS(), from, func(name string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) { // deleted or published meanwhile
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !info.ModTime().Before(before) {
			return err
		}
		return fn(name)
	})
}

func (s *Files) roomLeft() error {
	var st unix.Statfs_t
	if err := unix.Statfs(s.root.Name(), &st); err != nil {
		return fmt.Errorf("store photo: %w", err)
	}
	if st.Blocks > 0 && float64(st.Bavail)/float64(st.Blocks) < s.minFree {
		return full(syscall.ENOSPC)
	}
	return nil
}

// full turns "no space" into an answer that makes the phone keep the photo and try again.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.New(http.StatusServiceUnavailable, "STORE_FULL", "照片暂时无法保存，上报内容不受影响，请稍后补传照片").
			After(time.Minute).Because(err)
	}
	return err
}

func shard(key string) string {
	id, _, _ := strings.Cut(key, ".")
	n := len(id)
	return path.Join(id[n-2:], id[n-4:n-2], key)
}

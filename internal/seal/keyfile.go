package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Rotate adds a new KEK to the file, makes it current and returns its id. Values sealed before stay
// readable; other processes pick the key up when they first meet it. The file is replaced atomically.
func (k *Keyring) Rotate() (uint32, error) {
	unlock, err := lockFile(k.path + ".lock")
	if err != nil {
		return 0, err
	}
	defer unlock()
	set, err := load(k.path) // another process may have rotated since we read it
	if err != nil {
		return 0, err
	}
	kf := keyFile{Version: fileVersion, Blind: set.blind}
	for id, kek := range set.keks {
		kf.Keys = append(kf.Keys, fileKEK{id, kek})
		kf.Current = max(kf.Current, id)
	}
	kf.Current++
	kf.Keys = append(kf.Keys, fileKEK{kf.Current, newKey()})
	temp, err := writeTemp(k.path, &kf)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(temp) }()
	if err := os.Rename(temp, k.path); err != nil {
		return 0, fmt.Errorf("replace key file: %w", err)
	}
	if err := syncDir(k.path); err != nil {
		return 0, err
	}
	k.keys.Store(kf.set())
	return kf.Current, nil
}

// refresh reads the file again after an unknown key id was met. It returns the newest key set.
func (k *Keyring) refresh(id uint32) (*keyset, error) {
	k.reload.Lock()
	defer k.reload.Unlock()
	if set := k.keys.Load(); set.keks[id] != nil {
		return set, nil
	}
	set, err := load(k.path)
	if err != nil {
		return nil, err
	}
	if set.keks[id] != nil {
		k.keys.Store(set)
	}
	return set, nil
}

// create makes a new key file. The complete, synced file gets its name by link(2), which unlike rename
// never replaces: whoever is second finds the first one's keys.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("create key folder: %w", err)
	}
	kf := keyFile{Version: fileVersion, Current: 1, Keys: []fileKEK{{1, newKey()}}, Blind: newKey()}
	temp, err := writeTemp(path, &kf)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp) }()
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create key file: %w", err)
	}
	return syncDir(path)
}

func writeTemp(path string, kf *keyFile) (string, error) {
	raw, err := json.MarshalIndent(kf, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode key file: %w", err)
	}
	f, err := os.OpenFile(path+".new-"+ShortToken(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("create key file: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("write key file: %w", err)
	}
	return f.Name(), nil
}

// syncDir makes a new name durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("sync key folder: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync key folder: %w", err)
	}
	return nil
}

// lockFile serialises rotations of several processes; the kernel frees the lock of a dead one.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock key file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock key file: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

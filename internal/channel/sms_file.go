package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"yixian/notify"
)

// FileSMS appends each text message as one JSON line {at, id, to, template, text} to a file that only its owner may
// read: it holds numbers and codes. A message that is repeated after a crash stands there twice with the same id.
type FileSMS struct {
	mu   sync.Mutex
	file *os.File
}

type fileLine struct {
	At       time.Time `json:"at"`
	ID       uuid.UUID `json:"id"`
	To       string    `json:"to"`
	Template string    `json:"template"`
	Text     string    `json:"text"`
}

// OpenFileSMS opens or creates the file (mode 0600). A file that others may read, or that is no regular file, is
// refused.
func OpenFileSMS(path string) (*FileSMS, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open sms file: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("sms file is not a regular file")
	case info.Mode().Perm()&0o077 != 0:
		err = fmt.Errorf("sms file may be read or changed by others (mode %04o): run chmod 600 on it", info.Mode().Perm())
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &FileSMS{file: f}, nil
}

// ID names the sink.
func (*FileSMS) ID() string { return "sms_file" }

// Send appends one line in one write: lines of several processes do not mix.
func (c *FileSMS) Send(_ context.Context, m notify.Outgoing) (notify.Receipt, error) {
	raw, err := json.Marshal(fileLine{At: time.Now().UTC(), ID: m.ID, To: m.To, Template: m.Template, Text: m.Text})
	if err != nil {
		return notify.Receipt{}, notify.Permanent("message does not become JSON")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.file.Write(append(raw, '\n')); err != nil {
		return notify.Receipt{}, fmt.Errorf("append to sms file: %w", err)
	}
	return notify.Receipt{Ref: m.ID.String()}, nil
}

// Close closes the file; Send fails afterwards.
func (c *FileSMS) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file.Close()
}

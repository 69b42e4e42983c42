package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"yixian/internal/seal"
)

// Channel hands a message to a provider. One file each in internal/channel. Send returns nil only when the provider
// took the message; Permanent when trying again is pointless; any other error is tried again with the same
// Outgoing.ID, which the implementation passes on as the provider's idempotency key.
type Channel interface {
	ID() string // names the provider in logs and figures, "sms_http"
	Send(ctx context.Context, m Outgoing) (Receipt, error)
}

// Channels maps the channel of a message ("SMS") to what delivers it.
type Channels map[string]Channel

// Outgoing is a message on its way out. It is the only place where address and text lie open: never log it whole.
type Outgoing struct {
	ID       uuid.UUID
	To       string
	Title    string
	Text     string
	Template string
	Values   map[string]string // of the placeholders, for providers with templates of their own
	Locale   string
}

// Format keeps address and text out of every log.
func (m Outgoing) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "notify.Outgoing(%s)", m.ID) }

// Receipt is the provider's acknowledgement.
type Receipt struct {
	Ref  string
	Gone []string // addresses, of several, that are there no longer
}

type permanent struct{ reason string }

func (p permanent) Error() string { return p.reason }

// Permanent is a refusal that no repetition will change. The reason is stored and shown to operators.
func Permanent(reason string) error { return permanent{reason} }

// IsPermanent reports whether err is a Permanent.
func IsPermanent(err error) bool { var p permanent; return errors.As(err, &p) }

type unclear struct{ reason string }

func (u unclear) Error() string { return u.reason }

// Unclear is a failure after which the provider may have taken the message all the same: no answer in time, an answer that
// is none. The same provider, which knows the key, is asked again before another one is.
func Unclear(reason string) error { return unclear{reason} }

// IsUnclear reports whether err is an Unclear.
func IsUnclear(err error) bool { var u unclear; return errors.As(err, &u) }

// Failures of a provider's callback.
var (
	ErrForged  = errors.New("the callback is not the provider's")
	ErrGarbled = errors.New("the callback cannot be read")
)

// mobile is a plausible mobile number of the mainland.
var mobile = regexp.MustCompile(`^1[3-9][0-9]{9}$`)

// maxReason bounds a stored error.
const maxReason = 200

// safeReason makes an error of a channel fit for the database and the log: providers like to repeat the number and
// the text that they were given.
func safeReason(err error, m Outgoing) string {
	s := err.Error()
	if m.Text != "" {
		s = strings.ReplaceAll(s, m.Text, "[text]")
	}
	if m.To != "" {
		s = strings.ReplaceAll(s, m.To, seal.MaskPhone(m.To))
	}
	s = secretRun.ReplaceAllString(seal.MaskText(strings.ToValidUTF8(s, "")), "******")
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxReason {
		s = string(r[:maxReason])
	}
	return s
}

// secretRun is anything that could be the one-time code or the link token of the text.
var secretRun = regexp.MustCompile(`\b[0-9]{6}\b|https?://\S+/[A-Za-z0-9_\-]{16,}`)

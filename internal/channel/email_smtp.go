package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"yixian/notify"
)

// SMTP sends plain text e-mail over a submission server. Its Message-ID is made of the message's id, so that a repetition
// is one message for every mail program that looks for doubles.
type SMTP struct {
	host, user, pass, from, domain string
	port                           int
	policy                         gomail.TLSPolicy
	ssl                            bool
	guard                          Guard
}

// NewSMTP checks the settings host, port, security (starttls, tls, none), username, password, from.
func NewSMTP(g Guard, s notify.Settings) (*SMTP, error) {
	from, err := mail.ParseAddress(s["from"])
	if err != nil {
		return nil, errors.New("from is no e-mail address")
	}
	port, err := strconv.Atoi(orElse(s["port"], "587"))
	if err != nil || port < 1 || port > 65535 || s["host"] == "" {
		return nil, errors.New("host and port are needed")
	}
	c := &SMTP{host: s["host"], port: port, user: s["username"], pass: s["password"], from: from.Address, policy: gomail.TLSMandatory, guard: g}
	_, c.domain, _ = cutLast(from.Address, "@")
	switch s["security"] {
	case "", "starttls":
	case "tls":
		c.ssl = true
	case "none":
		if _, ok := g.inside(c.host); !ok {
			return nil, errors.New("mail without TLS goes to a host that is declared to be inside only")
		}
		c.policy = gomail.NoTLS
	default:
		return nil, errors.New("security is starttls, tls or none")
	}
	return c, nil
}

// ID names the provider.
func (*SMTP) ID() string { return "email_smtp" }

// Send hands over one message. A refusal of the 5xx kind is final.
func (c *SMTP) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	msg := gomail.NewMsg()
	if msg.From(c.from) != nil || msg.To(m.To) != nil {
		return notify.Receipt{}, notify.Permanent("not an e-mail address")
	}
	id := m.ID.String() + "@" + c.domain
	msg.SetMessageIDWithValue(id)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.Subject(m.Title)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	options := []gomail.Option{gomail.WithPort(c.port), gomail.WithTimeout(httpTimeout), gomail.WithTLSPolicy(c.policy),
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := c.guard.dial(ctx, network, address)
			if err != nil || !c.ssl {
				return conn, err
			}
			return tls.Client(conn, &tls.Config{ServerName: c.host, MinVersion: tls.VersionTLS12}), nil
		})}
	if c.user != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.user), gomail.WithPassword(c.pass))
	}
	client, err := gomail.NewClient(c.host, options...)
	if err != nil {
		return notify.Receipt{}, errors.New("mail settings are not usable")
	}
	ctx, done := context.WithTimeout(ctx, 4*httpTimeout)
	defer done()
	if err := client.DialWithContext(ctx); err != nil {
		if errors.Is(err, ErrInside) {
			return notify.Receipt{}, ErrInside
		}
		return notify.Receipt{}, errors.New("mail server cannot be reached or refuses the sign-in")
	}
	defer func() { _ = client.Close() }()
	if err := client.Send(msg); err != nil {
		var sent *gomail.SendError
		switch {
		case errors.As(err, &sent) && !sent.IsTemp() && sent.ErrorCode() >= 500:
			return notify.Receipt{}, notify.Permanent(fmt.Sprintf("mail server refused: %d", sent.ErrorCode()))
		case errors.As(err, &sent) && sent.ErrorCode() >= 400:
			return notify.Receipt{}, fmt.Errorf("mail server answered %d", sent.ErrorCode())
		}
		return notify.Receipt{}, notify.Unclear("mail server did not confirm in time")
	}
	return notify.Receipt{Ref: id}, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	for i := len(s) - len(sep); i >= 0; i-- {
		if s[i:i+len(sep)] == sep {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}

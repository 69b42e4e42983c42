package channel

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"yixian/notify"
)

// Hook posts events to another system. The request carries the headers of HTTPSMS (timestamp, signature, idempotency key =
// the message id), by which the receiver knows that it is ours, fresh, and which one it has already. Any 2xx is a receipt.
type Hook struct {
	url    string
	secret []byte
	client *http.Client
	now    func() time.Time
}

// NewHook checks the settings url and secret. That the host is on the district's list is checked where the webhook is
// saved; that it leads to the public net, whenever it is dialled.
func NewHook(g Guard, s notify.Settings) (*Hook, error) {
	c, err := newGateway("webhook", "webhook", g, s["url"], []byte(s["secret"]))
	if err != nil {
		return nil, err
	}
	return &Hook{url: c.url, secret: c.secret, client: c.client, now: c.now}, nil
}

// ID names the provider.
func (*Hook) ID() string { return "webhook" }

// Send posts once.
func (c *Hook) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	body, key := []byte(m.Text), m.ID.String()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return notify.Receipt{}, notify.Permanent("address is not usable")
	}
	stamp := strconv.FormatInt(c.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set(HeaderIdempotency, key)
	req.Header.Set(HeaderTimestamp, stamp)
	req.Header.Set(HeaderSignature, Sign(c.secret, stamp, key, body))
	if _, err := ask(c.client, req, nil); err != nil {
		return notify.Receipt{}, err
	}
	return notify.Receipt{Ref: key}, nil
}

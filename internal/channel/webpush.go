package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	webpush "github.com/SherClockHolmes/webpush-go"

	"yixian/notify"
)

// WebPush shows a message on the lock screen of every browser that a person subscribed. The payload is encrypted for the
// browser (RFC 8291) and the request signed with the installation's VAPID key; the topic, made of the message id, lets a push
// service replace a repetition.
type WebPush struct {
	public, private, subject string
	client                   *http.Client
}

// NewWebPush needs the installation's VAPID pair and a contact ("https://…" or a mail address).
func NewWebPush(g Guard, public, private, subject string) *WebPush {
	return &WebPush{public: public, private: private, subject: subject, client: g.client()}
}

// NewPushKeys makes a VAPID pair.
func NewPushKeys() (public, private string, err error) {
	private, public, err = webpush.GenerateVAPIDKeys()
	return public, private, err
}

// ID names the provider.
func (*WebPush) ID() string { return "webpush" }

// Send tells every subscription of To, a JSON array. It succeeds when one of them took it; those that are gone are named.
func (c *WebPush) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	var list []json.RawMessage
	if json.Unmarshal([]byte(m.To), &list) != nil || len(list) == 0 {
		return notify.Receipt{}, notify.Permanent("no push subscription")
	}
	body, err := json.Marshal(map[string]string{"id": m.ID.String(), "title": m.Title, "text": m.Text})
	if err != nil {
		return notify.Receipt{}, notify.Permanent("message does not become JSON")
	}
	var receipt notify.Receipt
	var failed error
	for _, raw := range list {
		var s webpush.Subscription
		if json.Unmarshal(raw, &s) != nil {
			receipt.Gone = append(receipt.Gone, string(raw))
			continue
		}
		status, err := c.one(ctx, body, &s, m)
		switch {
		case err == nil:
			receipt.Ref = m.ID.String()
		case status == http.StatusNotFound, status == http.StatusGone:
			receipt.Gone = append(receipt.Gone, string(raw))
		default:
			failed = err
		}
	}
	switch {
	case receipt.Ref != "":
		return receipt, nil
	case failed != nil:
		return receipt, failed
	}
	return receipt, notify.Permanent("every push subscription is gone")
}

func (c *WebPush) one(ctx context.Context, body []byte, s *webpush.Subscription, m notify.Outgoing) (status int, err error) {
	res, err := webpush.SendNotificationWithContext(ctx, body, s, &webpush.Options{HTTPClient: c.client, Subscriber: c.subject, VAPIDPublicKey: c.public, VAPIDPrivateKey: c.private,
		TTL: 24 * 3600, Urgency: webpush.UrgencyHigh, Topic: m.ID.String()[:8] + m.ID.String()[24:]})
	if err != nil {
		if e := reach(err); errors.Is(e, ErrInside) {
			return 0, notify.Permanent(ErrInside.Error())
		}
		return 0, errors.New("push service cannot be reached")
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close()
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return res.StatusCode, nil
	}
	return res.StatusCode, fmt.Errorf("push service answered %d", res.StatusCode)
}

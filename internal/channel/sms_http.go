package channel

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"yixian/notify"
)

// Headers of the generic gateway. The signature is "v1=" and the hex HMAC-SHA-256, under the shared secret, of
// "v1\n" timestamp "\n" idempotency key "\n" body; the timestamp is Unix seconds.
const (
	HeaderTimestamp   = "X-Yixian-Timestamp"
	HeaderSignature   = "X-Yixian-Signature"
	HeaderIdempotency = "Idempotency-Key"
)

const (
	httpTimeout = 5 * time.Second
	maxAnswer   = 64 << 10
)

// HTTPSMS posts a text message as JSON {id, to, title, text, template} to a gateway of the operator's own, which
// answers 2xx with {"id": "its own reference"}. The message id is the idempotency key: a gateway that sees it twice
// answers twice and sends once. 400–499 but 408, 409, 425 and 429 are final; everything else is tried again.
type HTTPSMS struct {
	id     string
	url    string
	secret []byte
	client *http.Client
	now    func() time.Time
}

// NewHTTPSMS is the installation's own gateway: https, or http on this machine; no user or fragment in the address, a
// secret of at least 16 bytes. The operator wrote the address: it may lie inside.
func NewHTTPSMS(address string, secret []byte) (*HTTPSMS, error) {
	g := Guard{}
	if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || loopback(u.Hostname())) {
		g.Inside = []string{u.Hostname()}
	}
	return newGateway("sms_http", "sms gateway", g, address, secret)
}

func newGateway(id, what string, g Guard, address string, secret []byte) (*HTTPSMS, error) {
	u, err := g.address(what, address)
	switch {
	case err != nil:
		return nil, err
	case len(secret) < 16:
		return nil, errors.New(what + ": the secret needs at least 16 bytes")
	}
	return &HTTPSMS{id: id, url: u.String(), secret: bytes.Clone(secret), now: time.Now, client: g.client()}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ID names the provider.
func (c *HTTPSMS) ID() string { return c.id }

// Sign is the signature of a request, for a gateway to compare in constant time.
func Sign(secret []byte, timestamp, key string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "v1\n%s\n%s\n", timestamp, key)
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

type gatewayMessage struct {
	ID       string `json:"id"`
	To       string `json:"to"`
	Title    string `json:"title"`
	Text     string `json:"text"`
	Template string `json:"template"`
}

// Send posts once. Its errors hold neither address, number nor text.
func (c *HTTPSMS) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	key := m.ID.String()
	body, err := json.Marshal(gatewayMessage{ID: key, To: m.To, Title: m.Title, Text: m.Text, Template: m.Template})
	if err != nil {
		return notify.Receipt{}, notify.Permanent("message does not become JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return notify.Receipt{}, notify.Permanent("gateway address is not usable")
	}
	timestamp := strconv.FormatInt(c.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set(HeaderIdempotency, key)
	req.Header.Set(HeaderTimestamp, timestamp)
	req.Header.Set(HeaderSignature, Sign(c.secret, timestamp, key, body))
	var answer struct {
		ID string `json:"id"`
	}
	// A 2xx page that is no receipt (a captive portal, a proxy's HTML, megabytes) proves nothing: the message is sent again
	// under the same key.
	if _, err := ask(c.client, req, &answer); err != nil {
		return notify.Receipt{}, err
	}
	if answer.ID == "" || len(answer.ID) > 200 {
		return notify.Receipt{}, notify.Unclear("gateway's answer is no receipt")
	}
	return notify.Receipt{Ref: answer.ID}, nil
}

// reportAge is how old a callback may be, either way (quality, security 31).
const reportAge = 5 * time.Minute

// Reports reads a signed callback {reports: [{id, ref, status, seq}]}: the same headers and signature as a request, the
// key being the callback's own.
func (c *HTTPSMS) Reports(in notify.Callback) ([]notify.Report, string, error) {
	stamp, key := in.Header(HeaderTimestamp), in.Header(HeaderIdempotency)
	at, err := strconv.ParseInt(stamp, 10, 64)
	age := in.At.Sub(time.Unix(at, 0))
	if err != nil || key == "" || len(key) > 128 || age > reportAge || age < -reportAge || !hmac.Equal([]byte(in.Header(HeaderSignature)), []byte(Sign(c.secret, stamp, key, in.Body))) {
		return nil, "", notify.ErrForged
	}
	var body struct {
		Reports []struct {
			ID     uuid.UUID `json:"id"`
			Ref    string    `json:"ref"`
			Status string    `json:"status"`
			Seq    int64     `json:"seq"`
		} `json:"reports"`
	}
	if json.Unmarshal(in.Body, &body) != nil || len(body.Reports) == 0 {
		return nil, "", notify.ErrGarbled
	}
	var out []notify.Report
	for _, r := range body.Reports {
		out = append(out, notify.Report{ID: r.ID, Ref: r.Ref, State: r.Status, Seq: r.Seq})
	}
	return out, key, nil
}

// reach drops what net/http says around the cause: the whole address, query included.
func reach(err error) error {
	var u *url.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, ErrInside):
		return ErrInside
	case errors.As(err, &dial) && dial.Op == "dial":
		return errors.New("gateway cannot be reached") // nothing was sent
	case errors.As(err, &u) && u.Timeout():
		return notify.Unclear("gateway did not answer in time")
	}
	return notify.Unclear("the connection to the gateway broke")
}

func judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("gateway answered %d: redirects are not followed", status)
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return fmt.Errorf("gateway answered %d", status)
	}
	return notify.Permanent(fmt.Sprintf("gateway refused: %d", status))
}

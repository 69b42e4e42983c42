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
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

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
	url    string
	secret []byte
	client *http.Client
	now    func() time.Time
}

// NewHTTPSMS checks the address (https, or http on this machine; no user or fragment in it) and the secret (at
// least 16 bytes).
func NewHTTPSMS(address string, secret []byte) (*HTTPSMS, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("sms gateway: not an address") // the parser's error would repeat it, secrets and all
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, errors.New("sms gateway: needs https://host/path without user and fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, errors.New("sms gateway: must be https, numbers and codes travel on it")
	case len(secret) < 16:
		return nil, errors.New("sms gateway: the secret needs at least 16 bytes")
	}
	return &HTTPSMS{
		url: u.String(), secret: bytes.Clone(secret), now: time.Now,
		client: &http.Client{
			Timeout: httpTimeout,
			// A redirect would carry number and text to an address nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
				TLSHandshakeTimeout: httpTimeout, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true},
		},
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ID names the provider.
func (*HTTPSMS) ID() string { return "sms_http" }

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
	res, err := c.client.Do(req)
	if err != nil {
		return notify.Receipt{}, reach(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := judge(res.StatusCode); err != nil {
		return notify.Receipt{}, err
	}
	return receiptOf(res.Body)
}

// reach drops what net/http says around the cause: the whole address, query included.
func reach(err error) error {
	var u *url.Error
	if errors.As(err, &u) && u.Timeout() {
		return errors.New("gateway did not answer in time")
	}
	return errors.New("gateway cannot be reached")
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

// receiptOf reads the answer. A 2xx page that is no receipt (a captive portal, a proxy's HTML, megabytes) proves
// nothing: the message is sent again under the same key.
func receiptOf(body io.Reader) (notify.Receipt, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return notify.Receipt{}, errors.New("gateway's answer broke off")
	}
	var answer struct {
		ID string `json:"id"`
	}
	if len(raw) > maxAnswer || json.Unmarshal(raw, &answer) != nil || answer.ID == "" || len(answer.ID) > 200 {
		return notify.Receipt{}, errors.New("gateway's answer is no receipt")
	}
	return notify.Receipt{Ref: answer.ID}, nil
}

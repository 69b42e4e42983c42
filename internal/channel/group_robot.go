package channel

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"yixian/notify"
)

// Robot speaks in a chat group of WeCom or DingTalk. Neither knows an idempotency key: a repetition after an unclear answer
// is said twice in the group.
type Robot struct {
	id, url, secret string
	client          *http.Client
	now             func() time.Time
}

// NewWeCom checks the setting url, the group robot's webhook address.
func NewWeCom(g Guard, s notify.Settings) (*Robot, error) { return newRobot("group_wecom", g, s) }

// NewDingTalk checks the settings url and secret (the robot's "SEC…" signing secret).
func NewDingTalk(g Guard, s notify.Settings) (*Robot, error) {
	if s["secret"] == "" {
		return nil, errors.New("the robot's signing secret is needed")
	}
	return newRobot("group_dingtalk", g, s)
}

func newRobot(id string, g Guard, s notify.Settings) (*Robot, error) {
	u, err := g.address("robot", s["url"])
	if err != nil {
		return nil, err
	}
	return &Robot{id: id, url: u.String(), secret: s["secret"], client: g.client(), now: time.Now}, nil
}

// ID names the provider.
func (r *Robot) ID() string { return r.id }

// DingTalkSign is the "sign" of a robot's request: HMAC-SHA-256 of "milliseconds\nsecret" under the secret, in base64.
func DingTalkSign(secret, millis string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(millis + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Send posts the text once.
func (r *Robot) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	address := r.url
	if r.secret != "" {
		u, err := url.Parse(r.url)
		if err != nil {
			return notify.Receipt{}, notify.Permanent("robot's address is not usable")
		}
		q, millis := u.Query(), strconv.FormatInt(r.now().UnixMilli(), 10)
		q.Set("timestamp", millis)
		q.Set("sign", DingTalkSign(r.secret, millis))
		u.RawQuery = q.Encode()
		address = u.String()
	}
	var answer struct {
		ErrCode *int `json:"errcode"`
	}
	err := post(ctx, r.client, address, map[string]any{"msgtype": "text", "text": map[string]string{"content": m.Text}}, &answer)
	switch {
	case err != nil:
		return notify.Receipt{}, err
	case answer.ErrCode == nil:
		return notify.Receipt{}, notify.Unclear("robot's answer is no receipt")
	case *answer.ErrCode != 0:
		return notify.Receipt{}, fmt.Errorf("robot: errcode %d", *answer.ErrCode) // 45009, 130101: too fast
	}
	return notify.Receipt{Ref: m.ID.String()}, nil
}

package channel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"yixian/notify"
)

// WeChatMP sends template messages of a WeChat Official Account. The access token is fetched when it is needed and kept
// until shortly before its end; client_msg_id, made of the message id, keeps WeChat from sending a repetition.
type WeChatMP struct {
	base, app, secret, page string
	templates               approved
	client                  *http.Client
	now                     func() time.Time

	mu    sync.Mutex
	token string
	until time.Time
}

// NewWeChatMP checks the settings endpoint, app_id, app_secret, templates, page.
func NewWeChatMP(g Guard, s notify.Settings) (*WeChatMP, error) {
	u, err := g.address("endpoint", orElse(s["endpoint"], "https://api.weixin.qq.com/"))
	if err != nil {
		return nil, err
	}
	templates, err := parseApproved(s["templates"])
	if err != nil {
		return nil, err
	}
	if s["app_id"] == "" || s["app_secret"] == "" {
		return nil, errors.New("app_id and app_secret are needed")
	}
	return &WeChatMP{base: strings.TrimSuffix(u.String(), "/"), app: s["app_id"], secret: s["app_secret"], page: s["page"], templates: templates, client: g.client(), now: time.Now}, nil
}

// ID names the provider.
func (*WeChatMP) ID() string { return "wechat_mp" }

// Authorize is the page of WeChat's that asks nobody anything and sends the person back with a code.
func (c *WeChatMP) Authorize(back, state string) string {
	q := url.Values{"appid": {c.app}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"snsapi_base"}, "state": {state}}
	return "https://open.weixin.qq.com/connect/oauth2/authorize?" + q.Encode() + "#wechat_redirect"
}

// OpenID exchanges a code for the person's openid. A code that is used, over or invented is permanent.
func (c *WeChatMP) OpenID(ctx context.Context, code string) (string, error) {
	q := url.Values{"appid": {c.app}, "secret": {c.secret}, "code": {code}, "grant_type": {"authorization_code"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/sns/oauth2/access_token?"+q.Encode(), http.NoBody)
	if err != nil {
		return "", notify.Permanent("wechat's address is not usable")
	}
	var answer struct {
		OpenID  string `json:"openid"`
		ErrCode int    `json:"errcode"`
	}
	switch _, err := ask(c.client, req, &answer); {
	case err != nil:
		return "", err
	case slices.Contains([]int{40029, 40163, 41008, 42003}, answer.ErrCode):
		return "", notify.Permanent("wechat: the code is not good")
	case answer.ErrCode != 0:
		return "", fmt.Errorf("wechat: errcode %d", answer.ErrCode)
	}
	return answer.OpenID, nil
}

// access gives a valid token.
func (c *WeChatMP) access(ctx context.Context, fresh bool) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !fresh && c.token != "" && c.now().Before(c.until) {
		return c.token, nil
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		ErrCode     int    `json:"errcode"`
	}
	err := post(ctx, c.client, c.base+"/cgi-bin/stable_token", map[string]any{"grant_type": "client_credential", "appid": c.app, "secret": c.secret, "force_refresh": fresh}, &answer)
	switch {
	case err != nil && !notify.IsPermanent(err):
		return "", errors.New("wechat gives no token: " + err.Error()) // nothing was sent yet, whatever the reason
	case err != nil || answer.AccessToken == "":
		return "", fmt.Errorf("wechat gives no token (%d)", answer.ErrCode)
	}
	c.token, c.until = answer.AccessToken, c.now().Add(time.Duration(answer.ExpiresIn)*time.Second-5*time.Minute)
	return c.token, nil
}

// Send posts once, and once more with a fresh token when the old one is no longer good.
func (c *WeChatMP) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	code, names, values, err := c.templates.of(m)
	if err != nil {
		return notify.Receipt{}, err
	}
	data := map[string]any{}
	for i, n := range names {
		data[n] = map[string]string{"value": values[i]}
	}
	body := map[string]any{"touser": m.To, "template_id": code, "data": data, "client_msg_id": strings.ReplaceAll(m.ID.String(), "-", "")}
	if link := orElse(m.Values["link"], c.page); link != "" {
		body["url"] = link
	}
	for _, fresh := range []bool{false, true} {
		token, err := c.access(ctx, fresh)
		if err != nil {
			return notify.Receipt{}, err
		}
		var answer struct {
			ErrCode *int   `json:"errcode"`
			MsgID   uint64 `json:"msgid"`
		}
		if err := post(ctx, c.client, c.base+"/cgi-bin/message/template/send?access_token="+url.QueryEscape(token), body, &answer); err != nil {
			return notify.Receipt{}, err
		}
		switch {
		case answer.ErrCode == nil:
			return notify.Receipt{}, notify.Unclear("wechat's answer is no receipt")
		case *answer.ErrCode == 0:
			return notify.Receipt{Ref: fmt.Sprint(answer.MsgID)}, nil
		case slices.Contains([]int{40001, 40014, 42001}, *answer.ErrCode) && !fresh:
			continue // the token
		case *answer.ErrCode == 43004, *answer.ErrCode == 40003:
			return notify.Receipt{Gone: []string{m.To}}, notify.Permanent("wechat: the person no longer follows the account")
		}
		return notify.Receipt{}, fmt.Errorf("wechat: errcode %d", *answer.ErrCode)
	}
	return notify.Receipt{}, errors.New("wechat: the token is not accepted")
}

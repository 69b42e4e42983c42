package channel

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/notify"
)

// AliyunSMS sends by Alibaba Cloud's SMS service (SendSms, version 2017-05-25), signed with ACS3-HMAC-SHA256. The text
// itself is the approved template's; what goes out are its values. The message id travels as OutId and comes back in the
// delivery report.
type AliyunSMS struct {
	endpoint, key, secret, sign, token string
	templates                          approved
	client                             *http.Client
	now                                func() time.Time
}

// approved maps a template of ours to the number of one that the provider has approved, with the names of its values in
// order. The entry "*" is for all others and gets the whole text as its only value.
type approved map[string]struct {
	code   string
	values []string
}

// parseApproved reads lines "called.target.SMS=SMS_1234567:unit,place,due" and "*=SMS_7654321:text".
func parseApproved(text string) (approved, error) {
	out := approved{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, rest, ok := strings.Cut(line, "=")
		code, names, _ := strings.Cut(rest, ":")
		if key, code = strings.TrimSpace(key), strings.TrimSpace(code); !ok || key == "" || code == "" {
			return nil, fmt.Errorf("line %d of the templates is not key=code:value,value", i+1)
		}
		entry := out[key]
		entry.code = code
		for name := range strings.SplitSeq(names, ",") {
			if name = strings.TrimSpace(name); name != "" {
				entry.values = append(entry.values, name)
			}
		}
		out[key] = entry
	}
	if len(out) == 0 {
		return nil, errors.New("no template is given")
	}
	return out, nil
}

// of gives the provider's template and its values for a message.
func (a approved) of(m notify.Outgoing) (code string, names, values []string, err error) {
	entry, own := a[m.Template]
	if !own {
		if entry, own = a["*"]; !own {
			return "", nil, nil, notify.Permanent("no approved template for " + m.Template)
		}
		name := "text"
		if len(entry.values) > 0 {
			name = entry.values[0]
		}
		return entry.code, []string{name}, []string{m.Text}, nil
	}
	for _, name := range entry.values {
		v, ok := m.Values[name]
		if !ok {
			return "", nil, nil, notify.Permanent("the approved template of " + m.Template + " asks for " + name + ", which the message has not")
		}
		names, values = append(names, name), append(values, v)
	}
	return entry.code, names, values, nil
}

// NewAliyunSMS checks the settings endpoint, access_key_id, access_key_secret, sign_name, templates, report_token.
func NewAliyunSMS(g Guard, s notify.Settings) (*AliyunSMS, error) {
	u, err := g.address("endpoint", orElse(s["endpoint"], "https://dysmsapi.aliyuncs.com/"))
	if err != nil {
		return nil, err
	}
	templates, err := parseApproved(s["templates"])
	if err != nil {
		return nil, err
	}
	if s["access_key_id"] == "" || s["access_key_secret"] == "" || s["sign_name"] == "" {
		return nil, errors.New("access_key_id, access_key_secret and sign_name are needed")
	}
	u.Path = orElse(u.Path, "/")
	return &AliyunSMS{endpoint: u.String(), key: s["access_key_id"], secret: s["access_key_secret"], sign: s["sign_name"], token: s["report_token"], templates: templates, client: g.client(), now: time.Now}, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// ID names the provider.
func (*AliyunSMS) ID() string { return "sms_aliyun" }

// Send posts once.
func (c *AliyunSMS) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	code, names, values, err := c.templates.of(m)
	if err != nil {
		return notify.Receipt{}, err
	}
	params := map[string]string{}
	for i, n := range names {
		params[n] = values[i]
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return notify.Receipt{}, notify.Permanent("values do not become JSON")
	}
	q := url.Values{"PhoneNumbers": {m.To}, "SignName": {c.sign}, "TemplateCode": {code}, "TemplateParam": {string(raw)}, "OutId": {m.ID.String()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"?"+aliyunQuery(q), bytes.NewReader(nil))
	if err != nil {
		return notify.Receipt{}, notify.Permanent("endpoint is not usable")
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	empty := sha256.Sum256(nil)
	for k, v := range map[string]string{"x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-date": c.now().UTC().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": hex.EncodeToString(nonce[:]), "x-acs-content-sha256": hex.EncodeToString(empty[:])} {
		req.Header.Set(k, v)
	}
	req.Header.Set("Authorization", AliyunSignature(req, c.key, c.secret))
	var answer struct{ Code, Message, BizID string }
	status, err := ask(c.client, req, &aliyunAnswer{&answer.Code, &answer.Message, &answer.BizID})
	if status == 0 || err != nil && answer.Code == "" {
		return notify.Receipt{}, err
	}
	switch {
	case answer.Code == "OK":
		return notify.Receipt{Ref: answer.BizID}, nil
	case slices.Contains([]string{"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.PARAM_LENGTH_LIMIT", "isv.MOBILE_COUNT_OVER_LIMIT"}, answer.Code):
		return notify.Receipt{}, notify.Permanent("aliyun refused: " + short(answer.Code))
	case answer.Code == "":
		return notify.Receipt{}, notify.Unclear("aliyun's answer is no receipt")
	}
	return notify.Receipt{}, fmt.Errorf("aliyun: %s", short(answer.Code)) // money, signature, limits: another provider may do it
}

// aliyunAnswer reads {"Code", "Message", "BizId"}.
type aliyunAnswer struct{ code, message, biz *string }

func (a *aliyunAnswer) UnmarshalJSON(raw []byte) error {
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	for name, to := range map[string]*string{"Code": a.code, "Message": a.message, "BizId": a.biz} {
		*to, _ = m[name].(string)
	}
	return nil
}

func short(s string) string { return s[:min(len(s), 60)] }

// aliyunQuery is the canonical query: sorted, percent-encoded after RFC 3986.
func aliyunQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

// AliyunSignature is the Authorization header of a request under ACS3-HMAC-SHA256: over host and every x-acs- header.
func AliyunSignature(r *http.Request, key, secret string) string {
	names := []string{"host"}
	for name := range r.Header {
		if n := strings.ToLower(name); strings.HasPrefix(n, "x-acs-") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", n, strings.TrimSpace(v))
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers.String(), strings.Join(names, ";"), r.Header.Get("X-Acs-Content-Sha256")}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(sum[:])))
	return fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s", key, strings.Join(names, ";"), hex.EncodeToString(mac.Sum(nil)))
}

// Reports reads a batch of SmsReport. The service does not sign them: what proves them is the token in the address that was
// given to it.
func (c *AliyunSMS) Reports(in notify.Callback) ([]notify.Report, string, error) {
	if !sameToken(c.token, in.Query("token")) {
		return nil, "", notify.ErrForged
	}
	var list []struct {
		OutID      string `json:"out_id"`
		BizID      string `json:"biz_id"`
		Success    bool   `json:"success"`
		ReportTime string `json:"report_time"`
	}
	if json.Unmarshal(in.Body, &list) != nil || len(list) == 0 {
		return nil, "", notify.ErrGarbled
	}
	var out []notify.Report
	for _, r := range list {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", r.ReportTime, beijing)
		if err != nil {
			return nil, "", notify.ErrGarbled
		}
		id, _ := uuid.Parse(r.OutID)
		out = append(out, notify.Report{ID: id, Ref: r.BizID, State: outcome(r.Success), Seq: at.Unix()})
	}
	return out, digest(in.Body), nil
}

var beijing = time.FixedZone("CST", 8*3600)

func outcome(ok bool) string {
	if ok {
		return notify.Delivered
	}
	return notify.Undelivered
}

// sameToken compares in constant time; no token is set means that nothing is believed.
func sameToken(want, got string) bool {
	return len(want) >= 16 && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

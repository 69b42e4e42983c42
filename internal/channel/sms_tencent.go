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
	"net/http"
	"strconv"
	"strings"
	"time"

	"yixian/notify"
)

// TencentSMS sends by Tencent Cloud's SMS service (SendSms, version 2021-01-11), signed with TC3-HMAC-SHA256. The message
// id travels as SessionContext; delivery reports come back by the serial number that the service gave.
type TencentSMS struct {
	endpoint, host, id, secret, app, sign, token, region string
	templates                                            approved
	client                                               *http.Client
	now                                                  func() time.Time
}

// NewTencentSMS checks the settings endpoint, secret_id, secret_key, sdk_app_id, sign_name, region, templates, report_token.
func NewTencentSMS(g Guard, s notify.Settings) (*TencentSMS, error) {
	u, err := g.address("endpoint", orElse(s["endpoint"], "https://sms.tencentcloudapi.com/"))
	if err != nil {
		return nil, err
	}
	templates, err := parseApproved(s["templates"])
	if err != nil {
		return nil, err
	}
	if s["secret_id"] == "" || s["secret_key"] == "" || s["sdk_app_id"] == "" || s["sign_name"] == "" {
		return nil, errors.New("secret_id, secret_key, sdk_app_id and sign_name are needed")
	}
	u.Path = orElse(u.Path, "/")
	return &TencentSMS{endpoint: u.String(), host: u.Host, id: s["secret_id"], secret: s["secret_key"], app: s["sdk_app_id"], sign: s["sign_name"], token: s["report_token"],
		region: orElse(s["region"], "ap-guangzhou"), templates: templates, client: g.client(), now: time.Now}, nil
}

// ID names the provider.
func (*TencentSMS) ID() string { return "sms_tencent" }

// Send posts once.
func (c *TencentSMS) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	code, _, values, err := c.templates.of(m)
	if err != nil {
		return notify.Receipt{}, err
	}
	body, err := json.Marshal(map[string]any{"PhoneNumberSet": []string{"+86" + m.To}, "SmsSdkAppId": c.app, "SignName": c.sign, "TemplateId": code, "TemplateParamSet": values, "SessionContext": m.ID.String()})
	if err != nil {
		return notify.Receipt{}, notify.Permanent("message does not become JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return notify.Receipt{}, notify.Permanent("endpoint is not usable")
	}
	at := c.now().UTC()
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("X-Tc-Action", "SendSms")
	req.Header.Set("X-Tc-Version", "2021-01-11")
	req.Header.Set("X-Tc-Region", c.region)
	req.Header.Set("X-Tc-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Authorization", TencentSignature(c.host, c.id, c.secret, at, body))
	var answer struct {
		Response struct {
			Error         *struct{ Code string }
			SendStatusSet []struct{ SerialNo, Code string }
		}
	}
	if _, err := ask(c.client, req, &answer); err != nil {
		return notify.Receipt{}, err
	}
	r := answer.Response
	switch {
	case r.Error != nil:
		return notify.Receipt{}, fmt.Errorf("tencent: %s", short(r.Error.Code))
	case len(r.SendStatusSet) != 1:
		return notify.Receipt{}, notify.Unclear("tencent's answer is no receipt")
	}
	s := r.SendStatusSet[0]
	switch {
	case s.Code == "Ok" && s.SerialNo != "":
		return notify.Receipt{Ref: s.SerialNo}, nil
	case strings.HasPrefix(s.Code, "InvalidParameterValue.IncorrectPhoneNumber"), strings.HasPrefix(s.Code, "FailedOperation.PhoneNumberInBlacklist"), strings.HasPrefix(s.Code, "InvalidParameterValue.TemplateParameterLengthLimit"):
		return notify.Receipt{}, notify.Permanent("tencent refused: " + short(s.Code))
	}
	return notify.Receipt{}, fmt.Errorf("tencent: %s", short(s.Code))
}

// TencentSignature is the Authorization header of a SendSms request under TC3-HMAC-SHA256: over content type and host.
func TencentSignature(host, id, secret string, at time.Time, body []byte) string {
	const service, signed = "sms", "content-type;host"
	day := at.UTC().Format("2006-01-02")
	canonical := strings.Join([]string{"POST", "/", "", "content-type:application/json; charset=utf-8\nhost:" + host + "\n", signed, digest(body)}, "\n")
	scope := day + "/" + service + "/tc3_request"
	text := strings.Join([]string{"TC3-HMAC-SHA256", strconv.FormatInt(at.Unix(), 10), scope, digest([]byte(canonical))}, "\n")
	key := []byte("TC3" + secret)
	for _, part := range []string{day, service, "tc3_request"} {
		key = hmacOf(key, part)
	}
	return fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", id, scope, signed, hex.EncodeToString(hmacOf(key, text)))
}

func hmacOf(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// Reports reads a batch of delivery reports; what proves them is the token in the address that was given to the service.
func (c *TencentSMS) Reports(in notify.Callback) ([]notify.Report, string, error) {
	if !sameToken(c.token, in.Query("token")) {
		return nil, "", notify.ErrForged
	}
	var list []struct {
		Sid    string `json:"sid"`
		Status string `json:"report_status"`
		At     string `json:"user_receive_time"`
	}
	if json.Unmarshal(in.Body, &list) != nil || len(list) == 0 {
		return nil, "", notify.ErrGarbled
	}
	var out []notify.Report
	for _, r := range list {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", r.At, beijing)
		if err != nil || r.Sid == "" {
			return nil, "", notify.ErrGarbled
		}
		out = append(out, notify.Report{Ref: r.Sid, State: outcome(r.Status == "SUCCESS"), Seq: at.Unix()})
	}
	return out, digest(in.Body), nil
}

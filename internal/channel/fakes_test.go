package channel_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/channel"
	"yixian/notify"
)

// here lets the fakes of this machine be called.
var here = channel.Guard{Inside: []string{"127.0.0.1"}}

// fake is a provider on this machine. It keeps what it accepted by key, and misbehaves on demand: mood is asked before an
// answer is given, and whether the message counts as taken.
type fake struct {
	*httptest.Server
	mu    sync.Mutex
	taken map[string]int
	last  map[string]any
	mood  func(w http.ResponseWriter) (done, take bool)
	bad   []string // what was wrong with requests
}

// newFake checks each request with verify, which gives the message's key, and answers with answer.
func newFake(t *testing.T, verify func(r *http.Request, body []byte) (key string, err error), answer func(key string) any) *fake {
	t.Helper()
	f := &fake{taken: map[string]int{}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		defer f.mu.Unlock()
		key, err := verify(r, body)
		if err != nil {
			f.bad = append(f.bad, err.Error())
			w.WriteHeader(http.StatusForbidden)
			return
		}
		f.last = map[string]any{}
		_ = json.Unmarshal(body, &f.last)
		if f.mood != nil {
			done, take := f.mood(w)
			if take {
				f.taken[key]++
			}
			if done {
				return
			}
		} else {
			f.taken[key]++
		}
		_ = json.NewEncoder(w).Encode(answer(key))
	}))
	t.Cleanup(f.Close)
	return f
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// aliyunVerify recomputes an ACS3 signature from what came over the wire.
func aliyunVerify(secret string) func(*http.Request, []byte) (string, error) {
	return func(r *http.Request, body []byte) (string, error) {
		var signed, got string
		for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "ACS3-HMAC-SHA256 "), ",") {
			k, v, _ := strings.Cut(part, "=")
			switch k {
			case "SignedHeaders":
				signed = v
			case "Signature":
				got = v
			}
		}
		var lines []string
		for h := range strings.SplitSeq(signed, ";") {
			v := r.Header.Get(h)
			if h == "host" {
				v = r.Host
			}
			lines = append(lines, h+":"+v)
		}
		canonical := r.Method + "\n" + r.URL.Path + "\n" + r.URL.RawQuery + "\n" + strings.Join(lines, "\n") + "\n\n" + signed + "\n" + sum(body)
		if want := hex.EncodeToString(mac([]byte(secret), "ACS3-HMAC-SHA256\n"+sum([]byte(canonical)))); want != got || !strings.Contains(signed, "x-acs-signature-nonce") {
			return "", fmt.Errorf("signature %s, want %s", got, want)
		}
		at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("X-Acs-Date"))
		if age := time.Since(at); err != nil || age > 15*time.Minute || age < -15*time.Minute {
			return "", fmt.Errorf("date %w", err)
		}
		q := r.URL.Query()
		if q.Get("PhoneNumbers") != "13900000001" || q.Get("SignName") != "鼓楼一线" || q.Get("TemplateCode") == "" {
			return "", fmt.Errorf("query %v", q)
		}
		return q.Get("OutId") + " " + q.Get("TemplateCode") + " " + q.Get("TemplateParam"), nil
	}
}

func tencentVerify(secret string) func(*http.Request, []byte) (string, error) {
	return func(r *http.Request, body []byte) (string, error) {
		at := r.Header.Get("X-Tc-Timestamp")
		var unix int64
		_, _ = fmt.Sscan(at, &unix)
		day := time.Unix(unix, 0).UTC().Format("2006-01-02")
		canonical := "POST\n/\n\ncontent-type:" + r.Header.Get("Content-Type") + "\nhost:" + r.Host + "\n\ncontent-type;host\n" + sum(body)
		text := "TC3-HMAC-SHA256\n" + at + "\n" + day + "/sms/tc3_request\n" + sum([]byte(canonical))
		want := hex.EncodeToString(mac(mac(mac(mac([]byte("TC3"+secret), day), "sms"), "tc3_request"), text))
		if !strings.HasSuffix(r.Header.Get("Authorization"), "Signature="+want) || r.Header.Get("X-Tc-Action") != "SendSms" {
			return "", fmt.Errorf("authorization %s", r.Header.Get("Authorization"))
		}
		var b struct {
			PhoneNumberSet, TemplateParamSet []string
			SessionContext, TemplateID       string
		}
		if err := json.Unmarshal(body, &b); err != nil || len(b.PhoneNumberSet) != 1 || b.PhoneNumberSet[0] != "+8613900000001" {
			return "", fmt.Errorf("body %s", body)
		}
		return b.SessionContext + " " + strings.Join(b.TemplateParamSet, "|"), nil
	}
}

func mapped() notify.Outgoing {
	m := outgoing()
	m.Template, m.Values = "called.target.SMS", map[string]string{"unit": "东街街道", "due": "6月8日15:10"}
	return m
}

const lines = "called.target.SMS=SMS_1:unit,due\n*=SMS_2:text\n"

func aliyun(t *testing.T, address string) notify.Channel {
	t.Helper()
	c, err := channel.NewAliyunSMS(here, notify.Settings{"endpoint": address, "access_key_id": "id", "access_key_secret": "key", "sign_name": "鼓楼一线", "templates": lines, "report_token": "0123456789abcdef"})
	require.NoError(t, err)
	return c
}

func tencent(t *testing.T, address string) notify.Channel {
	t.Helper()
	c, err := channel.NewTencentSMS(here, notify.Settings{"endpoint": address, "secret_id": "id", "secret_key": "key", "sdk_app_id": "1400", "sign_name": "鼓楼一线", "templates": lines, "report_token": "0123456789abcdef"})
	require.NoError(t, err)
	return c
}

func TestAliyunSignsAndMaps(t *testing.T) {
	t.Parallel()
	f := newFake(t, aliyunVerify("key"), func(string) any { return map[string]string{"Code": "OK", "BizId": "biz-1"} })
	c := aliyun(t, f.URL)
	m := mapped()
	receipt, err := c.Send(t.Context(), m)
	require.NoError(t, err, f.bad)
	require.Equal(t, "biz-1", receipt.Ref)
	other := outgoing()
	_, err = c.Send(t.Context(), other)
	require.NoError(t, err, f.bad)
	text, _ := json.Marshal(map[string]string{"text": other.Text})
	require.Equal(t, map[string]int{m.ID.String() + ` SMS_1 {"due":"6月8日15:10","unit":"东街街道"}`: 1, other.ID.String() + " SMS_2 " + string(text): 1}, f.taken)

	for code, permanent := range map[string]bool{"isv.MOBILE_NUMBER_ILLEGAL": true, "isv.AMOUNT_NOT_ENOUGH": false, "SignatureDoesNotMatch": false} {
		f.mood = func(w http.ResponseWriter) (bool, bool) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"Code":"`+code+`"}`)
			return true, false
		}
		_, err := c.Send(t.Context(), m)
		require.ErrorContains(t, err, code)
		require.Equal(t, permanent, notify.IsPermanent(err), code)
	}
	missing := mapped()
	delete(missing.Values, "due")
	_, err = c.Send(t.Context(), missing)
	require.True(t, notify.IsPermanent(err))
	require.Empty(t, f.bad)
}

func TestTencentSignsAndMaps(t *testing.T) {
	t.Parallel()
	f := newFake(t, tencentVerify("key"), func(string) any {
		return map[string]any{"Response": map[string]any{"SendStatusSet": []any{map[string]string{"SerialNo": "no-1", "Code": "Ok"}}}}
	})
	c := tencent(t, f.URL)
	m := mapped()
	receipt, err := c.Send(t.Context(), m)
	require.NoError(t, err, f.bad)
	require.Equal(t, "no-1", receipt.Ref)
	require.Equal(t, map[string]int{m.ID.String() + " 东街街道|6月8日15:10": 1}, f.taken)
	for code, permanent := range map[string]bool{"FailedOperation.PhoneNumberInBlacklist": true, "LimitExceeded.PhoneNumberDailyLimit": false} {
		f.mood = func(w http.ResponseWriter) (bool, bool) {
			_, _ = io.WriteString(w, `{"Response":{"SendStatusSet":[{"SerialNo":"","Code":"`+code+`"}]}}`)
			return true, false
		}
		_, err := c.Send(t.Context(), m)
		require.Equal(t, permanent, notify.IsPermanent(err), code)
	}
}

// Whatever a provider answers that is no receipt, the message may have been taken: unclear. What says no plainly is not.
func TestGarbageIsUnclear(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(*http.Request, []byte) (string, error) { return "k", nil }, func(string) any { return nil })
	robot, err := channel.NewWeCom(here, notify.Settings{"url": f.URL})
	require.NoError(t, err)
	hook, err := channel.NewGatewaySMS(here, notify.Settings{"url": f.URL, "secret": "0123456789abcdef"})
	require.NoError(t, err)
	for name, mood := range map[string]func(w http.ResponseWriter) (bool, bool){
		"html": func(w http.ResponseWriter) (bool, bool) {
			_, _ = io.WriteString(w, "<html>502</html>")
			return true, true
		},
		"empty": func(http.ResponseWriter) (bool, bool) { return true, true },
		"10 MB": func(w http.ResponseWriter) (bool, bool) {
			_, _ = w.Write([]byte(`{"x":"` + strings.Repeat("a", 10<<20) + `"}`))
			return true, true
		},
		"cut": func(http.ResponseWriter) (bool, bool) { panic(http.ErrAbortHandler) },
	} {
		f.mood = mood
		for _, c := range []notify.Channel{aliyun(t, f.URL), tencent(t, f.URL), robot, hook} {
			_, err := c.Send(t.Context(), mapped())
			require.True(t, notify.IsUnclear(err), "%s of %s: %v", name, c.ID(), err)
			require.NotContains(t, err.Error(), "13900000001")
		}
	}
	f.mood = func(w http.ResponseWriter) (bool, bool) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true, false
	}
	_, err = hook.Send(t.Context(), mapped())
	require.Error(t, err)
	require.False(t, notify.IsUnclear(err) || notify.IsPermanent(err))
}

func TestDingTalkSigns(t *testing.T) {
	t.Parallel()
	const secret = "SECabc"
	f := newFake(t, func(r *http.Request, _ []byte) (string, error) {
		q := r.URL.Query()
		if want := base64.StdEncoding.EncodeToString(mac([]byte(secret), q.Get("timestamp")+"\n"+secret)); q.Get("sign") != want || q.Get("access_token") != "tok" {
			return "", fmt.Errorf("sign %q", q.Get("sign"))
		}
		return "k", nil
	}, func(string) any { return map[string]int{"errcode": 0} })
	c, err := channel.NewDingTalk(here, notify.Settings{"url": f.URL + "/robot/send?access_token=tok", "secret": secret})
	require.NoError(t, err)
	_, err = c.Send(t.Context(), outgoing())
	require.NoError(t, err, f.bad)
	require.Equal(t, map[string]int{"k": 1}, f.taken)
	f.mood = func(w http.ResponseWriter) (bool, bool) {
		_, _ = io.WriteString(w, `{"errcode":310000}`)
		return true, false
	}
	_, err = c.Send(t.Context(), outgoing())
	require.ErrorContains(t, err, "310000")
}

// WeChat's token is fetched once, renewed when it is no longer good, and a person who left is named.
func TestWeChatRenewsItsToken(t *testing.T) {
	t.Parallel()
	var tokens int
	good := "t1"
	code := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/cgi-bin/stable_token", func(w http.ResponseWriter, _ *http.Request) {
		tokens++
		_, _ = fmt.Fprintf(w, `{"access_token":"t%d","expires_in":7200}`, tokens)
	})
	var said map[string]any
	mux.HandleFunc("/cgi-bin/message/template/send", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("access_token") != good {
			_, _ = io.WriteString(w, `{"errcode":42001}`)
			return
		}
		_ = json.NewDecoder(r.Body).Decode(&said)
		_, _ = fmt.Fprintf(w, `{"errcode":%d,"msgid":99}`, code)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c, err := channel.NewWeChatMP(here, notify.Settings{"endpoint": server.URL, "app_id": "wx", "app_secret": "s", "templates": "called.target.SMS=T1:unit\n"})
	require.NoError(t, err)
	m := mapped()
	m.To = "openid-1"
	for range 2 {
		receipt, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "99", receipt.Ref)
	}
	require.Equal(t, 1, tokens)
	require.Equal(t, "openid-1", said["touser"])
	require.Equal(t, map[string]any{"unit": map[string]any{"value": "东街街道"}}, said["data"])
	good = "t2"
	_, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, 2, tokens)
	code = 43004
	receipt, err := c.Send(t.Context(), m)
	require.True(t, notify.IsPermanent(err))
	require.Equal(t, []string{"openid-1"}, receipt.Gone)
}

// mailServer is a small SMTP server that keeps what it was given; refuse answers RCPT.
func mailServer(t *testing.T, refuse string) (port string, got func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	var mu sync.Mutex
	var data strings.Builder
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
				say("220 fake")
				in := bufio.NewScanner(conn)
				body := false
				for in.Scan() {
					line := in.Text()
					switch word := strings.ToUpper(line); {
					case body && line == ".":
						body = false
						say("250 taken")
					case body:
						mu.Lock()
						data.WriteString(line + "\n")
						mu.Unlock()
					case strings.HasPrefix(word, "DATA"):
						body = true
						say("354 go on")
					case strings.HasPrefix(word, "RCPT") && refuse != "":
						say(refuse)
					case strings.HasPrefix(word, "QUIT"):
						say("221 bye")
						return
					default:
						say("250 fine")
					}
				}
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, func() string { mu.Lock(); defer mu.Unlock(); return data.String() }
}

func TestMail(t *testing.T) {
	t.Parallel()
	port, got := mailServer(t, "")
	settings := notify.Settings{"host": "127.0.0.1", "port": port, "security": "none", "from": "yixian@example.gov.cn"}
	c, err := channel.NewSMTP(here, settings)
	require.NoError(t, err)
	m := outgoing()
	m.To, m.Title = "officer@example.gov.cn", "每日提要\r\nBcc: x@evil.example"
	receipt, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, m.ID.String()+"@example.gov.cn", receipt.Ref)
	require.Contains(t, got(), "Message-ID: <"+receipt.Ref+">")
	require.NotContains(t, got(), "\nBcc:", "a title is one header, whatever stands in it")

	port, _ = mailServer(t, "550 no such user")
	settings["port"] = port
	c, err = channel.NewSMTP(here, settings)
	require.NoError(t, err)
	_, err = c.Send(t.Context(), m)
	require.True(t, notify.IsPermanent(err), "%v", err)
	port, _ = mailServer(t, "451 later")
	settings["port"] = port
	c, err = channel.NewSMTP(here, settings)
	require.NoError(t, err)
	_, err = c.Send(t.Context(), m)
	require.Error(t, err)
	require.False(t, notify.IsPermanent(err))
	_, err = channel.NewSMTP(channel.Guard{}, settings)
	require.Error(t, err, "without TLS to a foreign host")
}

// Signed receipts: forged, stale and garbled ones are refused; what is honest is read.
func TestReceiptsAreVerified(t *testing.T) {
	t.Parallel()
	c, err := channel.NewGatewaySMS(here, notify.Settings{"url": "https://sms.example/send", "secret": string(secret)})
	require.NoError(t, err)
	now := time.Now()
	id := uuid.New()
	body := []byte(`{"reports":[{"id":"` + id.String() + `","status":"DELIVERED","seq":3}]}`)
	call := func(at time.Time, key string, body, signed []byte) error {
		stamp := fmt.Sprint(at.Unix())
		h := http.Header{}
		h.Set(channel.HeaderTimestamp, stamp)
		h.Set(channel.HeaderIdempotency, key)
		h.Set(channel.HeaderSignature, channel.Sign(secret, stamp, key, signed))
		list, k, err := c.Reports(notify.Callback{Header: h.Get, Query: url.Values{}.Get, Body: body, At: now})
		if err == nil {
			require.Equal(t, []notify.Report{{ID: id, State: notify.Delivered, Seq: 3}}, list)
			require.Equal(t, key, k)
		}
		return err
	}
	require.NoError(t, call(now, "n1", body, body))
	require.ErrorIs(t, call(now, "n1", append(body, ' '), body), notify.ErrForged)
	require.ErrorIs(t, call(now.Add(-6*time.Minute), "n1", body, body), notify.ErrForged)
	require.ErrorIs(t, call(now.Add(6*time.Minute), "n1", body, body), notify.ErrForged)
	require.ErrorIs(t, call(now, "", body, body), notify.ErrForged)
	require.ErrorIs(t, call(now, "n1", []byte("<html>"), []byte("<html>")), notify.ErrGarbled)

	for _, c := range []notify.Channel{aliyun(t, "https://a.example/"), tencent(t, "https://a.example/")} {
		r := c.(notify.Reporting)
		for token, body := range map[string]string{"0123456789abcdef": "[]", "wrong": "[{}]", "": "[{}]"} {
			_, _, err := r.Reports(notify.Callback{Header: http.Header{}.Get, Query: url.Values{"token": {token}}.Get, Body: []byte(body), At: now})
			require.Error(t, err)
			require.Equal(t, token == "0123456789abcdef", err == notify.ErrGarbled) //nolint:errorlint // a sentinel
		}
	}
	list, _, err := aliyun(t, "https://a.example/").(notify.Reporting).Reports(notify.Callback{Query: url.Values{"token": {"0123456789abcdef"}}.Get,
		Body: []byte(`[{"out_id":"` + id.String() + `","biz_id":"b","success":true,"report_time":"2026-06-08 10:00:00"}]`)})
	require.NoError(t, err)
	require.Equal(t, notify.Delivered, list[0].State)
	require.Equal(t, id, list[0].ID)
	list, _, err = tencent(t, "https://a.example/").(notify.Reporting).Reports(notify.Callback{Query: url.Values{"token": {"0123456789abcdef"}}.Get,
		Body: []byte(`[{"sid":"no-1","report_status":"FAIL","user_receive_time":"2026-06-08 10:00:00"}]`)})
	require.NoError(t, err)
	require.Equal(t, notify.Report{Ref: "no-1", State: notify.Undelivered, Seq: list[0].Seq}, list[0])
}

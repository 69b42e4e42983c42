package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"yixian/notify"
)

// Guard decides which hosts may be called. An address that is not on the public net is refused when it is dialled, whatever
// name led there: a name that changes its answer between check and call changes nothing. Inside are host names that the
// operator of the installation has declared to be inside on purpose (a gateway in the government's own net), as "host" or,
// where no name server knows it, "host=address".
type Guard struct {
	Inside []string
	// Resolve is the resolver; nil: the system's.
	Resolve *net.Resolver
}

// ErrInside is why a connection was not made.
var ErrInside = errors.New("the address is not on the public net")

// reserved are ranges that netip does not know as special: shared address space (CGNAT), benchmarks, documentation, the old
// IPv6 mappings that lead back to IPv4, and what is not assigned.
var reserved = func() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10"} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

// public tells whether an address lies on the public net.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsValid() && ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && ip.Zone() == "" &&
		!slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// inside tells whether the operator declared a host to be inside, and the address it is pinned to ("": ask the resolver).
func (g Guard) inside(host string) (address string, ok bool) {
	for _, entry := range g.Inside {
		if name, at, _ := strings.Cut(entry, "="); name == host {
			return at, true
		}
	}
	return "", false
}

// dial calls a host:port.
func (g Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if at, _ := g.inside(host); at != "" {
		address = net.JoinHostPort(at, port)
	}
	return g.dialer(host).DialContext(ctx, network, address)
}

// dialer refuses inner addresses after the name was resolved and before a packet is sent.
func (g Guard) dialer(host string) *net.Dialer {
	d := &net.Dialer{Timeout: httpTimeout, Resolver: g.Resolve}
	if _, ok := g.inside(host); !ok {
		d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !public(at.Addr()) {
				return ErrInside
			}
			return nil
		}
	}
	return d
}

// client calls guarded hosts: no redirects, no proxy that could be asked to go inside, bounded in time.
func (g Guard) client() *http.Client {
	return &http.Client{
		Timeout: httpTimeout,
		// A redirect would carry number and text to an address nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         g.dial,
			MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: httpTimeout, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true},
	}
}

// address checks a configured address: https, or http to a host that is declared to be inside or is this machine.
func (g Guard) address(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	inside := false
	if err == nil {
		_, inside = g.inside(u.Hostname())
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: not an address", what) // the parser's error would repeat it, secrets and all
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("%s: needs https://host/path without user and fragment", what)
	case u.Scheme != "https" && (u.Scheme != "http" || !inside):
		return nil, fmt.Errorf("%s: must be https", what)
	}
	return u, nil
}

// ask sends one request and reads the bounded answer. Its errors hold neither address nor content: a connection that was not
// made is a plain failure, an answer that did not come or is none is notify.Unclear.
func ask(client *http.Client, req *http.Request, into any) (status int, err error) {
	res, err := client.Do(req)
	if err != nil {
		return 0, reach(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		if into != nil && err == nil && len(raw) <= maxAnswer {
			_ = json.Unmarshal(raw, into) // some say in a refusal why
		}
		return res.StatusCode, judge(res.StatusCode)
	}
	switch {
	case err != nil:
		return res.StatusCode, notify.Unclear("provider's answer broke off")
	case len(raw) > maxAnswer:
		return res.StatusCode, notify.Unclear("provider's answer is too long to be one")
	case into != nil && json.Unmarshal(raw, into) != nil:
		return res.StatusCode, notify.Unclear("provider's answer is no JSON")
	}
	return res.StatusCode, nil
}

// post is ask with a JSON body.
func post(ctx context.Context, client *http.Client, address string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return notify.Permanent("message does not become JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(raw))
	if err != nil {
		return notify.Permanent("provider's address is not usable")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	_, err = ask(client, req, into)
	return err
}

package web

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/notify"
)

func (s *server) user(a auth.Actor) api.User {
	u := api.User{Id: a.ID(), Kind: api.UserKind(a.Kind), DisplayName: a.Name, Username: some(a.Username), Roles: []api.RoleBinding{}}
	w := s.world(a.District)
	for _, b := range a.Bindings {
		r := api.RoleBinding{Role: string(b.Role), Unit: some(b.Unit)}
		if w != nil && b.Unit != "" {
			r.UnitName = some(w.UnitName(b.Unit))
		}
		if len(b.Grids) > 0 {
			r.Grids = &b.Grids
		}
		u.Roles = append(u.Roles, r)
	}
	return u
}

// begin answers a sign-in: the token for programs, the cookie for browsers.
func (s *server) begin(ctx context.Context, token string, a auth.Actor) api.SessionJSONResponse {
	s.setCookie(ginOf(ctx), token, cookieLife(a.Kind))
	return api.SessionJSONResponse{Body: api.Session{Token: token, User: s.user(a)}}
}

// allow takes one of an address's tries; in a sandbox the limits are wide unless they are practised.
func (s *server) allow(ctx context.Context, what string, r cache.Rate) error {
	if s.WideLimits != nil && s.WideLimits() {
		return nil
	}
	key := what + ":" + string(s.Keys.Blind("000000", "address", ginOf(ctx).ClientIP()))
	if ok, after := s.Limits.Allow(ctx, key, r); !ok {
		return fault.New(429, "TOO_MANY", "操作过于频繁，请稍后再试").After(after)
	}
	return nil
}

func (s *server) Guest(ctx context.Context, r api.GuestRequestObject) (api.GuestResponseObject, error) {
	if deref(r.Params.Keep) && actorOf(ctx).District != "" {
		return api.Guest204Response{}, nil
	}
	if err := s.allow(ctx, "guest", cache.Rate{Count: 120, Per: time.Hour}); err != nil {
		return nil, err
	}
	district, err := s.district(ginOf(ctx))
	if err != nil {
		return nil, err
	}
	token, a, err := s.Auth.Guest(ctx, district)
	if err != nil {
		return nil, err
	}
	return api.Guest200JSONResponse{SessionJSONResponse: s.begin(ctx, token, a)}, nil
}

// here is the district of the session, else of the host.
func (s *server) here(ctx context.Context) (string, error) {
	if a := actorOf(ctx); a.District != "" {
		return a.District, nil
	}
	return s.district(ginOf(ctx))
}

func (s *server) RequestOtp(ctx context.Context, r api.RequestOtpRequestObject) (api.RequestOtpResponseObject, error) {
	district, err := s.here(ctx)
	if err != nil {
		return nil, err
	}
	var proof *auth.Proof
	if p := r.Body.Proof; p != nil {
		proof = &auth.Proof{Token: p.Token, Nonce: p.Nonce}
	}
	code, err := s.Auth.RequestOTP(ctx, district, r.Body.Phone, ginOf(ctx).ClientIP(), proof)
	if err != nil {
		return nil, err
	}
	id := uuid.Must(uuid.NewV7())
	draft := notify.Draft{District: district, EventID: id, Event: "otp", Template: notify.Key("otp", "resident", notify.SMS), Recipient: id.String(), Channel: notify.SMS, To: r.Body.Phone,
		Data: map[string]string{"code": code}}
	tx, err := s.DB.Pool.Begin(pg.WithDistrict(ctx, district))
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if err := s.Post.Enqueue(ctx, tx, []notify.Draft{draft}); err != nil {
		return nil, pg.Fault(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, pg.Fault(err)
	}
	return api.RequestOtp202JSONResponse{RetryAfterS: 60, ExpiresInS: 300}, nil
}

func (s *server) VerifyOtp(ctx context.Context, r api.VerifyOtpRequestObject) (api.VerifyOtpResponseObject, error) {
	district, err := s.here(ctx)
	if err != nil {
		return nil, err
	}
	token, a, err := s.Auth.VerifyOTP(ctx, actorOf(ctx), district, r.Body.Phone, r.Body.Code)
	if err != nil {
		return nil, err
	}
	return api.VerifyOtp200JSONResponse{SessionJSONResponse: s.begin(ctx, token, a)}, nil
}

func (s *server) Login(ctx context.Context, r api.LoginRequestObject) (api.LoginResponseObject, error) {
	district, err := s.here(ctx)
	if err != nil {
		return nil, err
	}
	token, a, err := s.Auth.Login(ctx, actorOf(ctx), auth.Credentials{District: district, Username: r.Body.Username, Password: r.Body.Password, TOTP: deref(r.Body.Totp), IP: ginOf(ctx).ClientIP()})
	if err != nil {
		return nil, err
	}
	return api.Login200JSONResponse{SessionJSONResponse: s.begin(ctx, token, a)}, nil
}

func (s *server) Logout(ctx context.Context, _ api.LogoutRequestObject) (api.LogoutResponseObject, error) {
	if err := s.Auth.Logout(ctx, actorOf(ctx)); err != nil {
		return nil, err
	}
	s.setCookie(ginOf(ctx), "", -1)
	return api.Logout204Response{}, nil
}

func (s *server) Me(ctx context.Context, _ api.MeRequestObject) (api.MeResponseObject, error) {
	a := actorOf(ctx)
	w := s.world(a.District)
	out := api.Me{User: s.user(a), Roles: []string{}, Grids: a.Grids(), ServerTime: a.Now, Permissions: new(a.Permissions())}
	if out.Grids == nil {
		out.Grids = []string{}
	}
	for _, b := range a.Bindings {
		if !slices.Contains(out.Roles, string(b.Role)) {
			out.Roles = append(out.Roles, string(b.Role))
		}
	}
	if u := a.Unit(); u != "" {
		out.Unit, out.UnitName = &u, new(w.UnitName(u))
	}
	if a.Kind == auth.Resident {
		if phone, err := s.Auth.PhoneOf(pg.WithDistrict(ctx, a.District), a.Account); err == nil {
			out.User.PhoneMasked = some(seal.MaskPhone(phone))
		}
	}
	if a.Has(auth.RoleGridWorker) {
		n, err := s.Desk.SelfHandled(ctx, a)
		if err != nil {
			return nil, err
		}
		out.SelfHandled = &n
	}
	for _, t := range s.Desk.Worlds().Tenants() {
		if t.District == a.District {
			out.Tenant.Code, out.Tenant.Name, out.Tenant.City, out.Tenant.ApproxBoundaries, out.Tenant.Sandbox = t.District, t.Name, some(t.City), new(t.ApproxBoundaries), new(s.Sandbox != nil)
		}
	}
	return api.Me200JSONResponse(out), nil
}

// MyReveals is who read the resident's data.
func (s *server) MyReveals(ctx context.Context, r api.MyRevealsRequestObject) (api.MyRevealsResponseObject, error) {
	a := actorOf(ctx)
	seen, next, err := s.Desk.MyReveals(ctx, a, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w, l := s.world(a.District), lang(ctx)
	out := api.MyReveals200JSONResponse{Items: []api.Reveal{}, NextCursor: some(next)}
	for i := range seen {
		x := &seen[i]
		out.Items = append(out.Items, api.Reveal{At: x.At, Field: api.RevealField(x.Field), Reason: x.Reason, ReasonText: dispatch.OptionText(x.Reason, l), Words: some(x.Text), Unit: x.Unit, UnitName: w.UnitName(x.Unit),
			Officer: x.Officer, CaseNo: x.CaseNo, ReceiptCode: x.Receipt, MatterName: some(w.MatterNameIn(x.Matter, l)), Text: x.Sentence(w, l)})
	}
	return out, nil
}

// MyData is the resident's right to a copy (PIPL 45): everything this district holds about the account.
func (s *server) MyData(ctx context.Context, _ api.MyDataRequestObject) (api.MyDataResponseObject, error) {
	a := actorOf(ctx)
	reports := []any{}
	cursor := ""
	for {
		page, next, err := s.Desk.MyReports(ctx, a, 200, cursor)
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			reports = append(reports, s.residentView(ctx, a, t, true))
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	phone, err := s.Auth.PhoneOf(pg.WithDistrict(ctx, a.District), a.Account)
	if err != nil {
		return nil, err
	}
	return api.MyData200JSONResponse{"account": a.Account.String(), "phone": phone, "district": a.District, "reports": reports, "as_of": a.Now}, nil
}

func (s *server) Inbox(ctx context.Context, r api.InboxRequestObject) (api.InboxResponseObject, error) {
	a := actorOf(ctx)
	out := api.Inbox200JSONResponse{Items: []api.Message{}}
	if a.Account == uuid.Nil {
		return out, nil
	}
	page, next, unread, err := notify.Inbox(ctx, s.DB, a.District, a.Account, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	for _, m := range page {
		out.Items = append(out.Items, api.Message{Id: m.ID.String(), Event: m.Event, Title: some(m.Title), Text: m.Text, CaseId: idText(m.CaseID), At: m.DueAt, ReadAt: m.ReadAt})
	}
	out.NextCursor, out.Unread = some(next), unread
	return out, nil
}

func (s *server) ReadMessage(ctx context.Context, r api.ReadMessageRequestObject) (api.ReadMessageResponseObject, error) {
	a := actorOf(ctx)
	id, err := uuid.Parse(r.Id)
	if err != nil {
		return nil, fault.NotFound()
	}
	if err := notify.MarkRead(ctx, s.DB, a.District, a.Account, id); err != nil {
		return nil, err
	}
	return api.ReadMessage204Response{}, nil
}

func limitOf(p *int) int {
	if p == nil {
		return 50
	}
	return *p
}

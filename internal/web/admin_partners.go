package web

import (
	"context"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

func partnerKeyView(k *auth.PartnerKey, now time.Time) api.PartnerKey {
	return api.PartnerKey{Id: k.ID.String(), Label: k.Label, Hint: k.Hint, MadeAt: k.MadeAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, LastUsedAt: k.LastUsedAt, Live: k.Live(now)}
}

func (s *server) partnerView(p *auth.PartnerAccount) api.Partner {
	out := api.Partner{Id: p.ID.String(), Username: p.Username, Name: p.Name, Source: api.PartnerSource(p.Source), Scopes: []api.PartnerScopes{}, PerHour: p.PerHour, Contact: p.Contact, Disabled: p.DisabledAt != nil,
		Version: p.Version, CreatedAt: p.CreatedAt, Keys: []api.PartnerKey{}}
	for _, x := range p.Scopes {
		out.Scopes = append(out.Scopes, api.PartnerScopes(x))
	}
	for i := range p.Keys {
		out.Keys = append(out.Keys, partnerKeyView(&p.Keys[i], s.realNow())) // keys live in real time, like sessions
	}
	return out
}

func partnerIn(b *api.PartnerIn) auth.PartnerAccount {
	p := auth.PartnerAccount{Username: deref(b.Username), Name: b.Name, Contact: deref(b.Contact), Grant: auth.Grant{Source: string(deref(b.Source)), PerHour: deref(b.PerHour)}}
	if b.Scopes != nil {
		p.Scopes = []string{}
		for _, x := range *b.Scopes {
			p.Scopes = append(p.Scopes, string(x))
		}
	}
	return p
}

func (s *server) ListPartners(ctx context.Context, r api.ListPartnersRequestObject) (api.ListPartnersResponseObject, error) {
	list, next, err := s.Auth.Partners(ctx, actorOf(ctx), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.ListPartners200JSONResponse{Items: []api.Partner{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, s.partnerView(&list[i]))
	}
	return out, nil
}

func (s *server) CreatePartner(ctx context.Context, r api.CreatePartnerRequestObject) (api.CreatePartnerResponseObject, error) {
	key, p, err := s.Auth.NewPartner(ctx, actorOf(ctx), partnerIn(r.Body))
	if err != nil {
		return nil, err
	}
	return api.CreatePartner201JSONResponse{Partner: s.partnerView(p), Secret: key}, nil
}

func (s *server) GetPartner(ctx context.Context, r api.GetPartnerRequestObject) (api.GetPartnerResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	p, err := s.Auth.PartnerAccount(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return api.GetPartner200JSONResponse(s.partnerView(p)), nil
}

func (s *server) ChangePartner(ctx context.Context, r api.ChangePartnerRequestObject) (api.ChangePartnerResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	version, err := versionOf(r.Body.Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	p, err := s.Auth.ChangePartner(ctx, actorOf(ctx), id, version, partnerIn(r.Body), deref(r.Body.Disabled))
	if err != nil {
		return nil, err
	}
	return api.ChangePartner200JSONResponse(s.partnerView(p)), nil
}

func (s *server) CreatePartnerKey(ctx context.Context, r api.CreatePartnerKeyRequestObject) (api.CreatePartnerKeyResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	b := r.Body
	key, made, err := s.Auth.NewKey(ctx, actorOf(ctx), id, deref(b.Label), b.ExpiresAt, deref(b.Replace), time.Duration(deref(b.GraceHours))*time.Hour)
	if err != nil {
		return nil, err
	}
	return api.CreatePartnerKey201JSONResponse{Key: partnerKeyView(made, s.realNow()), Secret: key}, nil
}

func (s *server) RevokePartnerKey(ctx context.Context, r api.RevokePartnerKeyRequestObject) (api.RevokePartnerKeyResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	key, err := uuid.Parse(r.Key)
	if err != nil {
		return nil, fault.NotFound()
	}
	if err := s.Auth.RevokeKey(ctx, actorOf(ctx), id, key); err != nil {
		return nil, err
	}
	return api.RevokePartnerKey204Response{}, nil
}

// PartnerReports is the write-back for a partner that asks instead of listening.
func (s *server) PartnerReports(ctx context.Context, r api.PartnerReportsRequestObject) (api.PartnerReportsResponseObject, error) {
	list, next, err := s.Desk.PartnerReports(ctx, actorOf(ctx), deref(r.Params.ExternalRef), r.Params.UpdatedAfter, limitOf(r.Params.Limit), deref(r.Params.Cursor), lang(ctx))
	if err != nil {
		return nil, err
	}
	w := s.world(actorOf(ctx).District)
	out := api.PartnerReports200JSONResponse{Items: []api.PartnerReport{}, NextCursor: some(next)}
	for i := range list {
		x := &list[i]
		out.Items = append(out.Items, api.PartnerReport{ReportId: x.ReportID.String(), ExternalRef: some(x.ExternalRef), CaseId: x.CaseID.String(), CaseNo: x.CaseNo, State: string(x.State), StatusText: x.StatusText,
			Matter: some(x.Matter), UnitName: some(w.UnitName(x.Unit)), PromiseAt: x.PromiseAt, ReceivedAt: x.ReceivedAt, UpdatedAt: x.UpdatedAt, Closed: x.Closed, ClosedAt: x.ClosedAt, Outcome: x.Outcome})
	}
	return out, nil
}

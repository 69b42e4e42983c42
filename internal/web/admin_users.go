package web

import (
	"context"
	"io"
	"time"

	"yixian/api"
	"yixian/internal/auth"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

func adminUser(u *auth.StaffUser) api.AdminUser {
	out := api.AdminUser{Id: u.ID.String(), Username: u.Username, DisplayName: u.Name, Phone: some(u.Phone), MfaRequired: u.MFARequired, HasPassword: u.HasPassword, Disabled: u.DisabledAt != nil, DisabledAt: u.DisabledAt,
		CreatedAt: u.CreatedAt, Version: u.Version, Bindings: []api.AdminBinding{}}
	for _, b := range u.Bindings {
		out.Bindings = append(out.Bindings, api.AdminBinding{Role: string(b.Role), Unit: some(b.Unit), Grids: new(append([]string{}, b.Grids...)), Post: some(b.Post)})
	}
	return out
}

func userIn(b *api.AdminUserIn) auth.StaffUser {
	u := auth.StaffUser{Username: deref(b.Username), Name: b.DisplayName, Phone: deref(b.Phone), MFARequired: deref(b.MfaRequired)}
	for _, x := range b.Bindings {
		u.Bindings = append(u.Bindings, auth.Binding{Role: auth.Role(x.Role), Unit: deref(x.Unit), Grids: append([]string{}, deref(x.Grids)...), Post: deref(x.Post)})
	}
	return u
}

// invitation is a one-time link, by itself and as the address of the page that uses it.
func (s *server) invitation(t *auth.Ticket) *api.Invitation {
	if t == nil {
		return nil
	}
	return &api.Invitation{Username: t.Username, Ticket: t.Token, Url: s.Post.Link("w/#/password/" + t.Token), ExpiresAt: t.ExpiresAt.Truncate(time.Second)}
}

func (s *server) ListUsers(ctx context.Context, r api.ListUsersRequestObject) (api.ListUsersResponseObject, error) {
	p := r.Params
	list, next, err := s.Auth.Staff(ctx, actorOf(ctx), auth.StaffFilter{Unit: deref(p.Unit), Role: auth.Role(deref(p.Role)), Grid: deref(p.Grid), Words: deref(p.Q), Disabled: p.Disabled}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	return api.ListUsers200JSONResponse{Items: viewsOf(list, adminUser), NextCursor: some(next)}, nil
}

// staffChanged: of the people, the grids that somebody works belong to the configuration.
func (s *server) staffChanged(ctx context.Context) error {
	return s.Desk.Worlds().Load(context.WithoutCancel(ctx))
}

func (s *server) CreateUser(ctx context.Context, r api.CreateUserRequestObject) (api.CreateUserResponseObject, error) {
	u, t, err := s.Auth.NewUser(ctx, actorOf(ctx), userIn(r.Body))
	if err == nil {
		err = s.staffChanged(ctx)
	}
	if err != nil {
		return nil, err
	}
	return api.CreateUser201JSONResponse{User: adminUser(u), Invitation: s.invitation(t)}, nil
}

func (s *server) GetUser(ctx context.Context, r api.GetUserRequestObject) (api.GetUserResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	u, err := s.Auth.StaffUser(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return api.GetUser200JSONResponse(adminUser(u)), nil
}

func (s *server) ChangeUser(ctx context.Context, r api.ChangeUserRequestObject) (api.ChangeUserResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	version, err := versionOf(r.Body.Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	u, err := s.Auth.ChangeUser(ctx, actorOf(ctx), id, version, userIn(r.Body))
	if err == nil {
		err = s.staffChanged(ctx)
	}
	if err != nil {
		return nil, err
	}
	return api.ChangeUser200JSONResponse(adminUser(u)), nil
}

func (s *server) ActUser(ctx context.Context, r api.ActUserRequestObject) (api.ActUserResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	if r.Verb == "invite" {
		t, err := s.Auth.Invite(ctx, a, id)
		if err != nil {
			return nil, err
		}
		u, err := s.Auth.StaffUser(ctx, a, id)
		if err != nil {
			return nil, err
		}
		return api.ActUser200JSONResponse{User: adminUser(u), Invitation: s.invitation(t)}, nil
	}
	if r.Verb != "disable" && r.Verb != "enable" {
		return nil, fault.NotFound()
	}
	version, err := versionOf(deref(r.Body).Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	u, err := s.Auth.ShutUser(ctx, a, id, version, r.Verb == "disable")
	if err == nil {
		err = s.staffChanged(ctx)
	}
	if err != nil {
		return nil, err
	}
	return api.ActUser200JSONResponse{User: adminUser(u)}, nil
}

func (s *server) ExportUsers(ctx context.Context, r api.ExportUsersRequestObject) (api.ExportUsersResponseObject, error) {
	return tableOf("users", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error { return s.Auth.ExportStaff(ctx, actorOf(ctx), w, f) })
}

func (s *server) ImportUsers(ctx context.Context, r api.ImportUsersRequestObject) (api.ImportUsersResponseObject, error) {
	got, tickets, err := s.Auth.ImportStaff(ctx, actorOf(ctx), r.Body, deref(r.Params.DryRun))
	if err == nil && !got.DryRun {
		err = s.staffChanged(ctx)
	}
	if err != nil {
		return nil, err
	}
	out := taken{DryRun: got.DryRun, Lines: got.Lines, Created: got.Created, Changed: got.Changed, Unchanged: got.Unchanged}
	if len(tickets) > 0 {
		out.Invitations = &[]api.Invitation{}
		for i := range tickets {
			*out.Invitations = append(*out.Invitations, *s.invitation(&tickets[i]))
		}
	}
	return out, nil
}

func (s *server) RedeemTicket(ctx context.Context, r api.RedeemTicketRequestObject) (api.RedeemTicketResponseObject, error) {
	name, err := s.Auth.Redeem(ctx, r.Body.Ticket, r.Body.Password, ginOf(ctx).ClientIP())
	if err != nil {
		return nil, err
	}
	return api.RedeemTicket200JSONResponse{Username: name}, nil
}

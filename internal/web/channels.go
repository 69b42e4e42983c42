package web

import (
	"context"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/notify"
)

func (s *server) ChannelKinds(context.Context, api.ChannelKindsRequestObject) (api.ChannelKindsResponseObject, error) {
	out := api.ChannelKinds200JSONResponse{Items: []api.ChannelKind{}}
	for _, k := range s.Post.Kinds() {
		kind := api.ChannelKind{Id: k.ID, Channel: k.Channel, Name: k.Chinese, NameEn: k.English, Fields: []api.ChannelField{}}
		for _, f := range k.Fields {
			kind.Fields = append(kind.Fields, api.ChannelField{Name: f.Name, Type: api.ChannelFieldType(f.Type), Label: f.Chinese, LabelEn: f.English, Help: some(f.HelpChinese), HelpEn: some(f.HelpEng), Required: f.Required})
		}
		out.Items = append(out.Items, kind)
	}
	return out, nil
}

// setups answers the three lists; what they have in common is more than what they have not.
func (s *server) setups(ctx context.Context, sort string) ([]api.Setup, error) {
	a := actorOf(ctx)
	list, err := s.Post.Setups(ctx, s.DB, a.District, sort)
	if err != nil {
		return nil, err
	}
	out := []api.Setup{}
	for _, x := range list {
		v := api.Setup{Id: x.ID.String(), Name: x.Name, Kind: x.Kind, Channel: x.Channel, Unit: some(x.Unit), Position: some(x.Position), Active: x.Active, Settings: map[string]string(x.Settings)}
		if x.Partner != nil {
			name, err := s.username(ctx, a.District, *x.Partner)
			if err != nil {
				return nil, err
			}
			v.Partner = some(name)
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *server) username(ctx context.Context, district string, id uuid.UUID) (name string, err error) {
	err = s.DB.Pool.QueryRow(pg.WithDistrict(ctx, district), "select coalesce(username, '') from account where district = $1 and id = $2", district, id).Scan(&name)
	return name, pg.Fault(err)
}

// setup saves one. id is empty for a new one.
func (s *server) setup(ctx context.Context, sort, id string, b *api.SetupNew) (uuid.UUID, error) {
	a := actorOf(ctx)
	x := notify.Setup{Sort: sort, Name: b.Name, Kind: b.Kind, Unit: deref(b.Unit), Position: max(deref(b.Position), 1), Active: b.Active == nil || *b.Active, Settings: notify.Settings(b.Settings)}
	if id != "" {
		var err error
		if x.ID, err = caseID(id); err != nil {
			return x.ID, err
		}
	}
	if name := deref(b.Partner); name != "" {
		var partner uuid.UUID
		err := s.DB.Pool.QueryRow(pg.WithDistrict(ctx, a.District), "select coalesce((select id from account where district = $1 and username = $2 and kind = 'PARTNER'), $3)", a.District, name, uuid.Nil).Scan(&partner)
		if err != nil {
			return x.ID, pg.Fault(err)
		}
		if partner == uuid.Nil {
			return x.ID, fault.Invalid("/partner", "没有合作方 %s", name)
		}
		x.Partner = &partner
	}
	return s.Post.Save(ctx, s.DB, a, x)
}

func (s *server) removeSetup(ctx context.Context, sort, id string) error {
	x, err := caseID(id)
	if err != nil {
		return err
	}
	return s.Post.Remove(ctx, s.DB, actorOf(ctx), sort, x)
}

func (s *server) testSetup(ctx context.Context, sort, id string, b *api.TestMessage) error {
	x, err := caseID(id)
	if err != nil {
		return err
	}
	to := ""
	if b != nil {
		to = deref(b.To)
	}
	return s.Post.Try(ctx, s.DB, actorOf(ctx), sort, x, to)
}

func (s *server) ListProviders(ctx context.Context, _ api.ListProvidersRequestObject) (api.ListProvidersResponseObject, error) {
	list, err := s.setups(ctx, notify.SortProvider)
	return api.ListProviders200JSONResponse{Items: list}, err
}

func (s *server) AddProvider(ctx context.Context, r api.AddProviderRequestObject) (api.AddProviderResponseObject, error) {
	id, err := s.setup(ctx, notify.SortProvider, "", r.Body)
	return api.AddProvider201JSONResponse{Id: id.String()}, err
}

func (s *server) SetProvider(ctx context.Context, r api.SetProviderRequestObject) (api.SetProviderResponseObject, error) {
	_, err := s.setup(ctx, notify.SortProvider, r.Id, r.Body)
	return api.SetProvider204Response{}, err
}

func (s *server) RemoveProvider(ctx context.Context, r api.RemoveProviderRequestObject) (api.RemoveProviderResponseObject, error) {
	return api.RemoveProvider204Response{}, s.removeSetup(ctx, notify.SortProvider, r.Id)
}

func (s *server) TestProvider(ctx context.Context, r api.TestProviderRequestObject) (api.TestProviderResponseObject, error) {
	return api.TestProvider204Response{}, s.testSetup(ctx, notify.SortProvider, r.Id, r.Body)
}

func (s *server) ListGroups(ctx context.Context, _ api.ListGroupsRequestObject) (api.ListGroupsResponseObject, error) {
	list, err := s.setups(ctx, notify.SortGroup)
	return api.ListGroups200JSONResponse{Items: list}, err
}

func (s *server) AddGroup(ctx context.Context, r api.AddGroupRequestObject) (api.AddGroupResponseObject, error) {
	id, err := s.setup(ctx, notify.SortGroup, "", r.Body)
	return api.AddGroup201JSONResponse{Id: id.String()}, err
}

func (s *server) SetGroup(ctx context.Context, r api.SetGroupRequestObject) (api.SetGroupResponseObject, error) {
	_, err := s.setup(ctx, notify.SortGroup, r.Id, r.Body)
	return api.SetGroup204Response{}, err
}

func (s *server) RemoveGroup(ctx context.Context, r api.RemoveGroupRequestObject) (api.RemoveGroupResponseObject, error) {
	return api.RemoveGroup204Response{}, s.removeSetup(ctx, notify.SortGroup, r.Id)
}

func (s *server) TestGroup(ctx context.Context, r api.TestGroupRequestObject) (api.TestGroupResponseObject, error) {
	return api.TestGroup204Response{}, s.testSetup(ctx, notify.SortGroup, r.Id, r.Body)
}

func (s *server) ListWebhooks(ctx context.Context, _ api.ListWebhooksRequestObject) (api.ListWebhooksResponseObject, error) {
	list, err := s.setups(ctx, notify.SortWebhook)
	return api.ListWebhooks200JSONResponse{Items: list}, err
}

func (s *server) AddWebhook(ctx context.Context, r api.AddWebhookRequestObject) (api.AddWebhookResponseObject, error) {
	id, err := s.setup(ctx, notify.SortWebhook, "", r.Body)
	return api.AddWebhook201JSONResponse{Id: id.String()}, err
}

func (s *server) SetWebhook(ctx context.Context, r api.SetWebhookRequestObject) (api.SetWebhookResponseObject, error) {
	_, err := s.setup(ctx, notify.SortWebhook, r.Id, r.Body)
	return api.SetWebhook204Response{}, err
}

func (s *server) RemoveWebhook(ctx context.Context, r api.RemoveWebhookRequestObject) (api.RemoveWebhookResponseObject, error) {
	return api.RemoveWebhook204Response{}, s.removeSetup(ctx, notify.SortWebhook, r.Id)
}

func (s *server) TestWebhook(ctx context.Context, r api.TestWebhookRequestObject) (api.TestWebhookResponseObject, error) {
	return api.TestWebhook204Response{}, s.testSetup(ctx, notify.SortWebhook, r.Id, r.Body)
}

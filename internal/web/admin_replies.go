package web

import (
	"context"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
)

func (s *server) replyView(ctx context.Context, t *dispatch.ReplyTemplate) api.ReplyTemplate {
	return api.ReplyTemplate{Id: t.ID.String(), Action: string(t.Action), Matter: t.Matter, MatterName: some(s.world(actorOf(ctx).District).MatterName(t.Matter)), Name: t.Name, Text: t.Text, Version: t.Version, UpdatedAt: t.UpdatedAt}
}

func replyIn(b *api.ReplyTemplateIn) dispatch.ReplyTemplate {
	return dispatch.ReplyTemplate{Action: dispatch.Action(b.Action), Matter: deref(b.Matter), Name: deref(b.Name), Text: b.Text}
}

func (s *server) ListReplyTemplates(ctx context.Context, _ api.ListReplyTemplatesRequestObject) (api.ListReplyTemplatesResponseObject, error) {
	list, err := s.Desk.ReplyTemplates(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := api.ListReplyTemplates200JSONResponse{Items: []api.ReplyTemplate{}}
	for i := range list {
		out.Items = append(out.Items, s.replyView(ctx, &list[i]))
	}
	return out, nil
}

func (s *server) CreateReplyTemplate(ctx context.Context, r api.CreateReplyTemplateRequestObject) (api.CreateReplyTemplateResponseObject, error) {
	t, err := s.Desk.SaveReply(ctx, actorOf(ctx), replyIn(r.Body))
	if err != nil {
		return nil, err
	}
	return api.CreateReplyTemplate201JSONResponse(s.replyView(ctx, t)), nil
}

func (s *server) ChangeReplyTemplate(ctx context.Context, r api.ChangeReplyTemplateRequestObject) (api.ChangeReplyTemplateResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	in := replyIn(r.Body)
	if in.Version, err = versionOf(r.Body.Version, r.Params.IfMatch); err != nil {
		return nil, err
	}
	in.ID = id
	t, err := s.Desk.SaveReply(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	return api.ChangeReplyTemplate200JSONResponse(s.replyView(ctx, t)), nil
}

func (s *server) DropReplyTemplate(ctx context.Context, r api.DropReplyTemplateRequestObject) (api.DropReplyTemplateResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	return api.DropReplyTemplate204Response{}, s.Desk.DropReply(ctx, actorOf(ctx), id)
}

func (s *server) PreviewReplyTemplate(ctx context.Context, r api.PreviewReplyTemplateRequestObject) (api.PreviewReplyTemplateResponseObject, error) {
	text, caseNo, err := s.Desk.PreviewReply(ctx, actorOf(ctx), replyIn(r.Body))
	if err != nil {
		return nil, err
	}
	return api.PreviewReplyTemplate200JSONResponse{Text: text, CaseNo: caseNo}, nil
}

// CaseReplies are the words that the form of an action offers.
func (s *server) CaseReplies(ctx context.Context, r api.CaseRepliesRequestObject) (api.CaseRepliesResponseObject, error) {
	id, err := uuid.Parse(r.Id)
	if err != nil {
		_, err = caseID(r.Id)
		return nil, err
	}
	list, field, err := s.Desk.RepliesFor(ctx, actorOf(ctx), id, dispatch.Action(r.Params.Action))
	if err != nil {
		return nil, err
	}
	out := api.CaseReplies200JSONResponse{Field: field, Items: []api.ReplyText{}}
	for i := range list {
		out.Items = append(out.Items, api.ReplyText{Id: list[i].ID.String(), Name: list[i].Name, Text: list[i].Text, Matter: some(list[i].Matter)})
	}
	return out, nil
}

package web

import (
	"context"
	"encoding/json"

	"yixian/api"
	"yixian/internal/auth"
)

func (s *server) AuditTrail(ctx context.Context, r api.AuditTrailRequestObject) (api.AuditTrailResponseObject, error) {
	list, next, err := s.Auth.AuditTrail(ctx, actorOf(ctx), auth.AuditFilter{Kind: deref(r.Params.Kind), Key: deref(r.Params.Key), Actor: deref(r.Params.Actor)}, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.AuditTrail200JSONResponse{Items: []api.AuditEvent{}, NextCursor: some(next)}
	for i := range list {
		row, err := auditView(&list[i])
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func auditView(e *auth.Audited) (row api.AuditEvent, err error) {
	row = api.AuditEvent{Id: e.ID.String(), At: e.At, Actor: e.Actor, ActorName: some(e.ActorName), Role: e.Role, Action: e.Action, Kind: e.Kind, Key: e.Key}
	if row.Before, err = object(e.Before); err != nil {
		return row, err
	}
	row.After, err = object(e.After)
	return row, err
}

// object reads a stored JSON object; nil for null.
func object(raw json.RawMessage) (*map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var m map[string]any
	err := json.Unmarshal(raw, &m)
	return &m, err
}

package web

import (
	"bytes"
	"context"
	"encoding/json"

	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"yixian/api"
	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/cache"
	"yixian/internal/fault"
)

// devicePaths are the routes whose bearer is a device's key.
const devicePaths = "/api/v1/devices/"

// deviceTries is how often an address may be wrong about a device and its key.
var deviceTries = cache.Rate{Count: 60, Per: time.Minute}

// device finds who holds the key: an unknown device, a wrong key and one that is switched off are the same 401.
func (s *server) device(ctx context.Context, id string, header, named *string) (*grid.Device, error) {
	c := ginOf(ctx)
	key := deref(header)
	if h := c.GetHeader("Authorization"); key == "" && strings.HasPrefix(h, "Bearer ") {
		key = strings.TrimSpace(h[len("Bearer "):])
	}
	if key != "" {
		for _, district := range s.deviceDistricts(c, named) {
			d, err := grid.DeviceByKey(ctx, s.DB, district, id, key)
			if err == nil || !fault.Is(err, "UNAUTHENTICATED") {
				return d, err
			}
		}
	}
	if err := s.allow(ctx, "device", deviceTries); err != nil {
		return nil, err
	}
	return nil, fault.New(http.StatusUnauthorized, "UNAUTHENTICATED", "设备未登记、已停用或密钥不正确")
}

// deviceDistricts is where a device may be registered: the district that it names, else the host's first and all others after it.
func (s *server) deviceDistricts(c *gin.Context, named *string) []string {
	if named != nil {
		return []string{*named}
	}
	var out []string
	if home, err := s.district(c); err == nil {
		out = append(out, home)
	}
	for _, t := range s.Desk.Worlds().Tenants() {
		if !slices.Contains(out, t.District) {
			out = append(out, t.District)
		}
	}
	return out
}

// DeviceAlert takes an alert in. What the device says beside the listed fields is kept as it came.
func (s *server) DeviceAlert(ctx context.Context, r api.DeviceAlertRequestObject) (api.DeviceAlertResponseObject, error) {
	d, err := s.device(ctx, r.Id, r.Params.XDeviceKey, r.Params.District)
	if err != nil {
		return nil, err
	}
	in := dispatch.AlertIn{Level: 1, Key: deref(r.Params.IdempotencyKey)}
	if b := r.Body; b != nil {
		in.Kind, in.SaidAt, in.Text, in.Matter, in.MediaIDs = deref(b.Kind), b.At, deref(b.Text), deref(b.Matter), deref(b.MediaIds)
		if b.Level != nil {
			in.Level = *b.Level
		}
		if in.Payload, err = json.Marshal(b); err != nil {
			return nil, err
		}
		if bytes.Contains(in.Payload, []byte(`\u0000`)) {
			return nil, fault.Invalid("", "告警内容含有不可用的空字符")
		}
	}
	t, err := s.Desk.Alert(ctx, d, in)
	if err != nil {
		return nil, err
	}
	return api.DeviceAlert201JSONResponse{AlertId: t.ID.String(), CaseId: idText(t.CaseID), CaseState: some(string(t.CaseState)), Joined: t.Joined, ClockWrong: t.ClockWrong, ReceivedAt: t.ReceivedAt, OccurredAt: t.OccurredAt}, nil
}

// UploadSnapshot takes a picture of a device by the same pipeline as everybody's.
func (s *server) UploadSnapshot(ctx context.Context, r api.UploadSnapshotRequestObject) (api.UploadSnapshotResponseObject, error) {
	d, err := s.device(ctx, r.Id, r.Params.XDeviceKey, r.Params.District)
	if err != nil {
		return nil, err
	}
	out, err := s.upload(ctx, dispatch.DeviceActor(d, time.Time{}), r.Body)
	if err != nil {
		return nil, err
	}
	return api.UploadSnapshot201JSONResponse(out.(api.UploadMedia201JSONResponse)), nil
}

func (s *server) CaseAlerts(ctx context.Context, r api.CaseAlertsRequestObject) (api.CaseAlertsResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	list, next, err := s.Desk.Alerts(ctx, actorOf(ctx), id, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.CaseAlerts200JSONResponse{Items: []api.StoredAlert{}, NextCursor: some(next)}
	for i := range list {
		a := &list[i]
		one := api.StoredAlert{Id: a.ID.String(), Device: a.Device, Kind: a.Kind, Level: a.Level, SaidAt: a.SaidAt, Skewed: a.Skewed, ReceivedAt: a.ReceivedAt}
		if err := json.Unmarshal(a.Payload, &one.Payload); err != nil {
			return nil, err
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

package web

import (
	"bytes"
	"context"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/media"
)

func photoURL(district, id string) string { return "/api/v1/public/photos/" + district + "/" + id }

func photoURLs(district string, ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, photoURL(district, id))
	}
	return out
}

func publicPhotoView(district string, p *dispatch.PublicPhoto) api.PublicPhoto {
	return api.PublicPhoto{Id: p.ID, MediaId: p.MediaID, Stage: api.PublicPhotoStage(p.Stage), Regions: p.Regions, Url: photoURL(district, p.ID), MadeAt: p.MadeAt}
}

// PublishPhoto makes the copy with its covered regions from the clean photo; the blob is there before the row.
func (s *server) PublishPhoto(ctx context.Context, r api.PublishPhotoRequestObject) (api.PublishPhotoResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	regions := make([]media.Region, 0, len(r.Body.Regions))
	for _, x := range r.Body.Regions {
		regions = append(regions, media.Region{X: x.X, Y: x.Y, W: x.W, H: x.H})
	}
	a := actorOf(ctx)
	p, err := s.Desk.PublishPhoto(ctx, a, id, r.Media, len(regions), func(ctx context.Context) (string, error) {
		if err := media.CheckRegions(regions); err != nil {
			return "", err
		}
		blob, _, err := s.Media.Open(ctx, media.Key(r.Media, media.Full))
		if err != nil {
			return "", err
		}
		defer func() { _ = blob.Close() }()
		covered, err := s.Photos.Cover(ctx, blob, regions)
		if err != nil {
			return "", err
		}
		fresh := media.NewID()
		return fresh, s.Media.Put(ctx, media.Key(fresh, media.Public), bytes.NewReader(covered))
	})
	if err != nil {
		return nil, err
	}
	return api.PublishPhoto201JSONResponse(publicPhotoView(a.District, p)), nil
}

func (s *server) WithdrawPhoto(ctx context.Context, r api.WithdrawPhotoRequestObject) (api.WithdrawPhotoResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	if err := s.Desk.WithdrawPhoto(ctx, actorOf(ctx), id, r.Media); err != nil {
		return nil, err
	}
	return api.WithdrawPhoto204Response{}, nil
}

func (s *server) ListPublicPhotos(ctx context.Context, r api.ListPublicPhotosRequestObject) (api.ListPublicPhotosResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	a := actorOf(ctx)
	if _, err := s.Desk.View(ctx, a, id); err != nil {
		return nil, err
	}
	list, err := s.Desk.PublicPhotos(ctx, a.District, id)
	if err != nil {
		return nil, err
	}
	out := api.ListPublicPhotos200JSONResponse{Items: []api.PublicPhoto{}}
	for i := range list {
		out.Items = append(out.Items, publicPhotoView(a.District, &list[i]))
	}
	return out, nil
}

// PublicPhoto is for everybody; a withdrawn copy is gone within five minutes also from caches.
func (s *server) PublicPhoto(ctx context.Context, r api.PublicPhotoRequestObject) (api.PublicPhotoResponseObject, error) {
	if err := s.Desk.OpenPhoto(ctx, r.District, r.Photo); err != nil {
		return nil, err
	}
	s.serve(ginOf(ctx), media.Key(r.Photo, media.Public), "public, max-age=300")
	return nil, nil
}

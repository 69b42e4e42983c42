package web

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/media"
	"yixian/internal/pg"
)

const maxUpload = 26 << 20 // a photo of 25 MB and the multipart around it

func (s *server) UploadMedia(ctx context.Context, r api.UploadMediaRequestObject) (api.UploadMediaResponseObject, error) {
	return s.upload(ctx, actorOf(ctx), r.Body)
}

// upload takes the first file of a form.
func (s *server) upload(ctx context.Context, a auth.Actor, form *multipart.Reader) (api.UploadMediaResponseObject, error) {
	c := ginOf(ctx)
	if c.Request.ContentLength > maxUpload {
		return nil, fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "照片过大，上限 25 MB")
	}
	if form == nil {
		return nil, fault.Invalid("/file", "请选择一张照片")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, fault.Invalid("/file", "请选择一张照片")
		}
		if err != nil {
			return nil, fault.Invalid("/file", "上传内容不完整，请重试").Because(err)
		}
		if part.FormName() != "file" {
			continue
		}
		photo, err := s.Photos.Process(ctx, part)
		if err != nil {
			return nil, err
		}
		return s.keep(ctx, a, photo)
	}
}

// keep answers an upload that was stored.
func (s *server) keep(ctx context.Context, a auth.Actor, p *media.Photo) (api.UploadMediaResponseObject, error) {
	s.doubt(p)
	id, err := s.store(ctx, a, p)
	if err != nil {
		return nil, err
	}
	out := api.Media{Id: id, Width: p.Width, Height: p.Height, Url: s.mediaURL(a, id, "full"), ThumbUrl: s.mediaURL(a, id, "thumb"), TakenAt: p.TakenAt}
	if len(p.Hints) > 0 {
		out.Hints = &p.Hints
	}
	if p.Point != nil {
		out.Point = &api.Point{Lon: p.Point.Lon, Lat: p.Point.Lat, Datum: "WGS84"}
	}
	return api.UploadMedia201JSONResponse(out), nil
}

// doubt drops what a camera cannot have meant: a place that lies in a district only when mirrored (a wrong hemisphere, latitude
// and longitude exchanged), a time that has not come. A place far away is kept: that is for whoever looks at the case.
func (s *server) doubt(p *media.Photo) {
	if p.TakenAt != nil && p.TakenAt.After(s.realNow().Add(24*time.Hour)) { // a day, because a camera may not know its zone
		p.TakenAt, p.Hints = nil, append(p.Hints, "TIME_FUTURE")
	}
	if p.Point == nil {
		return
	}
	ix := s.Desk.Worlds().Index()
	inside := func(lon, lat float64) bool { _, _, ok := ix.LocateDistrict(grid.Point{Lon: lon, Lat: lat}); return ok }
	x, y := p.Point.Lon, p.Point.Lat
	if !inside(x, y) && (inside(-x, y) || inside(x, -y) || inside(-x, -y) || inside(y, x)) {
		p.Point, p.Hints = nil, append(p.Hints, "GPS_MIRRORED")
	}
}

// store writes the blobs first and the row after: no row ever points to nothing.
func (s *server) store(ctx context.Context, a auth.Actor, p *media.Photo) (string, error) {
	id := media.NewID()
	for variant, blob := range map[media.Variant][]byte{media.Full: p.Full, media.Thumb: p.Thumb, media.Original: p.Original} {
		if err := s.Media.Put(ctx, media.Key(id, variant), bytes.NewReader(blob)); err != nil {
			return "", err
		}
	}
	var lon, lat *float64
	if p.Point != nil {
		lon, lat = &p.Point.Lon, &p.Point.Lat
	}
	var account any
	if a.Account != uuid.Nil {
		account = a.Account
	}
	_, err := s.DB.Pool.Exec(pg.WithDistrict(ctx, a.District), `insert into media (district, id, device, account_id, width, height, bytes, sha256, taken_at, lon, lat, likeness) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`,
		a.District, id, a.Device, account, p.Width, p.Height, len(p.Full), p.SHA256[:], p.TakenAt, lon, lat, int64(p.Likeness))
	return id, pg.Fault(err)
}

func (s *server) realNow() time.Time { return time.Now() } // links and sessions live in real time, not in the sandbox's

// mediaSignature binds a link to the photo, its size, its end and the viewer's session.
func (s *server) mediaSignature(a auth.Actor, id, size, exp string) string {
	mac := s.Keys.Blind("000000", "media", id+"|"+size+"|"+exp+"|"+hex.EncodeToString(a.Session()))
	return base64.RawURLEncoding.EncodeToString(mac[:16])
}

// getMedia serves a photo to the holder of a fresh link of this session, or to whoever uploaded it.
func (s *server) getMedia(c *gin.Context) {
	a := actorOf(c)
	id, size := c.Param("id"), c.DefaultQuery("size", "full")
	variant := media.Full
	if size == "thumb" {
		variant = media.Thumb
	}
	exp, err := strconv.ParseInt(c.Query("e"), 36, 64)
	signed := err == nil && s.realNow().Unix() <= exp && hmac.Equal([]byte(s.mediaSignature(a, id, size, c.Query("e"))), []byte(c.Query("s")))
	if !signed {
		if a.Kind == "" {
			writeProblem(c, fault.Unauthorized())
			return
		}
		var one int
		err := s.DB.Pool.QueryRow(pg.WithDistrict(c, a.District), `select 1 from media where district = $1 and id = $2 and (device = $3 or account_id = $4)`, a.District, id, a.Device, a.Account).Scan(&one)
		if errors.Is(err, pgx.ErrNoRows) {
			if c.Query("s") != "" {
				writeProblem(c, fault.Forbidden("LINK_EXPIRED", "照片链接已过期，请刷新页面"))
				return
			}
			writeProblem(c, fault.NotFound())
			return
		}
		if err != nil {
			s.problem(c, pg.Fault(err))
			return
		}
	}
	s.serve(c, media.Key(id, variant), "private, max-age=600")
}

// serve hands a blob out as what it is, a JPEG of our own making, and as nothing else.
func (s *server) serve(c *gin.Context, key, caching string) {
	blob, info, err := s.Media.Open(c, key)
	if err != nil {
		s.problem(c, err)
		return
	}
	defer func() { _ = blob.Close() }()
	h := c.Writer.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Disposition", `inline; filename="photo.jpg"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", caching)
	http.ServeContent(c.Writer, c.Request, "", info.ModTime, blob)
}

// GetMedia hands the connection to the file server, which answers ranges and conditions.
func (s *server) GetMedia(ctx context.Context, _ api.GetMediaRequestObject) (api.GetMediaResponseObject, error) {
	s.getMedia(ginOf(ctx))
	return nil, nil
}

package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/sticker"
)

// maxStickers is how many stickers one file holds.
const maxStickers = 1200

// stickers is a sheet to print.
type stickers struct {
	name, contentType string
	content           bytes.Buffer
}

// VisitPlaceCodeSheetResponse sends the file.
func (t *stickers) VisitPlaceCodeSheetResponse(w http.ResponseWriter) error {
	return sendFile(w, t.name, t.contentType, &t.content)
}

// PlaceCodeSheet draws the stickers of the codes in use: a PDF of all of them, or one page as SVG.
func (s *server) PlaceCodeSheet(ctx context.Context, r api.PlaceCodeSheetRequestObject) (api.PlaceCodeSheetResponseObject, error) {
	a, p := actorOf(ctx), r.Params
	f := grid.PlaceFilter{Kind: deref(p.Kind), Area: deref(p.Area), Disabled: new(bool)}
	if deref(p.Tokens) != "" {
		f.Tokens = strings.Split(strings.ToUpper(*p.Tokens), ",")
	}
	list, more, err := s.Office.PlaceCodes(ctx, a, f, maxStickers, "")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.NotFound()
	}
	if more != "" {
		return nil, fault.Invalid("/area", "超过 %d 个场所码：请按街道、社区或网格分批打印", maxStickers)
	}
	w := s.world(a.District)
	all := make([]sticker.Sticker, len(list))
	for i := range list {
		c := &list[i]
		lines := []string{c.Name}
		if place, ok := w.Grid(c.Grid); ok {
			lines = append(lines, place.StreetName+place.CommunityName)
		}
		all[i] = sticker.Sticker{Link: s.placeLink(c.Token), Lines: append(lines, "扫码上报 · "+w.Name, c.Token)}
	}
	if string(deref(p.Format)) == "svg" {
		page, pages := 1, (len(all)+sticker.PerPage-1)/sticker.PerPage
		if p.Page != nil {
			page = *p.Page
		}
		if page > pages {
			return nil, fault.Invalid("/page", "只有 %d 页", pages)
		}
		out := &stickers{name: fmt.Sprintf("place_codes-%d.svg", page), contentType: "image/svg+xml"}
		return out, sticker.SVG(&out.content, all[(page-1)*sticker.PerPage:min(page*sticker.PerPage, len(all))])
	}
	font, err := s.Font()
	if err != nil {
		return nil, err
	}
	out := &stickers{name: "place_codes.pdf", contentType: "application/pdf"}
	return out, sticker.PDF(&out.content, font, all, a.Now)
}

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

// versionOf is the version that somebody read before changing a thing: of the body, else of If-Match. Without one nothing is
// changed, since it could overwrite what another administrator has just done.
func versionOf(body *int, ifMatch *string) (int, error) {
	if body != nil {
		return *body, nil
	}
	if v, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(deref(ifMatch), "W/"), `"`)); err == nil && ifMatch != nil {
		return v, nil
	}
	return 0, fault.Invalid("/version", "请带上读取时的 version（或 If-Match），以免覆盖他人的修改")
}

// changeOf reads what a change of a thing says: the version that was read, and the thing as it shall be.
func changeOf[B, T any](body *B, version *int, ifMatch *string, read func(*B) (T, error)) (was int, thing T, err error) {
	if was, err = versionOf(version, ifMatch); err == nil {
		thing, err = read(body)
	}
	return was, thing, err
}

// viewsOf shows every thing of a list as the contract has it; never nil.
func viewsOf[T, V any](list []T, view func(*T) V) []V {
	out := make([]V, len(list))
	for i := range list {
		out[i] = view(&list[i])
	}
	return out
}

// point is a stored place as the contract shows it.
func point(lon, lat float64) api.Point {
	return api.Point{Lon: lon, Lat: lat, Datum: api.PointDatum(grid.WGS84)}
}

// stored converts a point of the contract to the datum that is stored.
func stored(p *api.Point) (lon, lat float64, err error) {
	if p == nil {
		return 0, 0, nil
	}
	w, err := pointIn(p).WGS84()
	return w.Lon, w.Lat, err
}

// table is a file that is sent as an answer.
type table struct {
	name    string
	format  tables.Format
	content bytes.Buffer
}

// tableOf writes a file for an answer; what fails does so before anything was sent.
func tableOf(name string, format string, write func(io.Writer, tables.Format) error) (*table, error) {
	t := &table{name: name, format: tables.CSV}
	if format == string(tables.XLSX) {
		t.format = tables.XLSX
	}
	return t, write(&t.content, t.format)
}

func (t *table) send(w http.ResponseWriter) error {
	return sendFile(w, fmt.Sprintf("%s.%s", t.name, t.format), t.format.ContentType(), &t.content)
}

func sendFile(w http.ResponseWriter, name, contentType string, content io.Reader) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(w, content)
	return err
}

// Each export answers with the same file type.
func (t *table) VisitExportAdminUnitsResponse(w http.ResponseWriter) error { return t.send(w) }
func (t *table) VisitExportUsersResponse(w http.ResponseWriter) error      { return t.send(w) }
func (t *table) VisitExportComponentsResponse(w http.ResponseWriter) error { return t.send(w) }
func (t *table) VisitExportDevicesResponse(w http.ResponseWriter) error    { return t.send(w) }
func (t *table) VisitExportRostersResponse(w http.ResponseWriter) error    { return t.send(w) }
func (t *table) VisitExportPlaceCodesResponse(w http.ResponseWriter) error { return t.send(w) }

// taken is the answer to an import.
type taken api.Imported

func (t taken) send(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	return json.NewEncoder(w).Encode(api.Imported(t))
}

// Each import answers in the same way.
func (t taken) VisitImportAdminUnitsResponse(w http.ResponseWriter) error { return t.send(w) }
func (t taken) VisitImportUsersResponse(w http.ResponseWriter) error      { return t.send(w) }
func (t taken) VisitImportComponentsResponse(w http.ResponseWriter) error { return t.send(w) }
func (t taken) VisitImportDevicesResponse(w http.ResponseWriter) error    { return t.send(w) }
func (t taken) VisitImportRostersResponse(w http.ResponseWriter) error    { return t.send(w) }
func (t taken) VisitImportPlaceCodesResponse(w http.ResponseWriter) error { return t.send(w) }

// takeIn runs an import of a request's body.
func takeIn(ctx context.Context, body io.Reader, dry *bool, load func(context.Context, auth.Actor, io.Reader, bool) (*tables.Imported, error)) (taken, error) {
	got, err := load(ctx, actorOf(ctx), body, deref(dry))
	if err != nil {
		return taken{}, err
	}
	return taken{DryRun: got.DryRun, Lines: got.Lines, Created: got.Created, Changed: got.Changed, Unchanged: got.Unchanged}, nil
}

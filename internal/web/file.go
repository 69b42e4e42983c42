package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

// fileOf is the file of an upload (x-file in the contract): the body itself, or the field `file` of a form.
func fileOf(ctx context.Context, body io.Reader) (io.Reader, error) {
	c := ginOf(ctx)
	if !strings.HasPrefix(c.ContentType(), "multipart/") {
		return body, nil
	}
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return nil, fault.Invalid("/file", "表单无法读取：请把文件放在字段 file 中，或直接作为请求内容上传")
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, fault.Invalid("/file", "表单中没有字段 file")
		case err != nil:
			return nil, fault.Invalid("/file", "表单无法读取：请把文件放在字段 file 中，或直接作为请求内容上传")
		case part.FormName() == "file":
			return part, nil
		}
	}
}

// attachment answers with a file that write makes while it is being sent. What can be refused has been refused before.
type attachment struct {
	name   string // without its ending
	format tables.Format
	write  func(io.Writer) error
}

func (d attachment) send(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", d.format.ContentType())
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", d.name+"."+string(d.format)))
	w.WriteHeader(http.StatusOK)
	return d.write(w)
}

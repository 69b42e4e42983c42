package grid

import (
	"encoding/json"
	"errors"
	"fmt"

	"yixian/internal/fault"
)

// members calls each for every member of the object whose bracket has been read; each reads the value.
func (f *mapFile) members(here string, each func(name, here string) error) error {
	for {
		t, err := f.token(here)
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return nil // the closing bracket
		}
		if err := each(name, here+"/"+name); err != nil {
			return err
		}
	}
}

func (f *mapFile) elements(here string, each func(here string) error) error {
	for i := 0; f.dec.More(); i++ {
		if err := each(fmt.Sprintf("%s/%d", here, i)); err != nil {
			return err
		}
	}
	_, err := f.token(here)
	return err
}

// skip passes over one value.
func (f *mapFile) skip(here string) error {
	for depth := 0; ; {
		t, err := f.token(here)
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func (f *mapFile) text(here string) (string, error) {
	t, err := f.token(here)
	if err != nil || t == nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", f.wrong(here, "应为文字")
	}
	return s, nil
}

func (f *mapFile) open(bracket json.Delim, here string) error {
	t, err := f.token(here)
	if err == nil && t != bracket {
		return f.wrong(here, "应以 "+bracket.String()+" 开始")
	}
	return err
}

func (f *mapFile) wrong(here, why string) error {
	return fault.Invalid(here, "%s", why).Coded("NOT_GEOJSON")
}

// token reads one token within the limits of depth and size.
func (f *mapFile) token(here string) (json.Token, error) {
	f.dec.UseNumber()
	t, err := f.dec.Token()
	if err != nil {
		return nil, f.failed(err, here)
	}
	f.raw.taken = f.dec.InputOffset()
	if d, ok := t.(json.Delim); ok {
		if d == '{' || d == '[' {
			f.depth++
		} else {
			f.depth--
		}
		if f.depth > maxDepth {
			return nil, fault.New(422, "TOO_DEEP", "JSON 嵌套超过 %d 层，这不是地图文件", maxDepth).At(here, "第 %d 字节附近", f.dec.InputOffset())
		}
	}
	return t, nil
}

func (f *mapFile) failed(err error, here string) error {
	if e, ok := fault.As(err); ok {
		return e
	}
	if err == nil {
		err = errors.New("more than one value")
	}
	return fault.New(422, "NOT_GEOJSON", "不是有效的 GeoJSON 文件").At(here, "第 %d 字节附近读不下去，文件可能不完整", f.dec.InputOffset()).Because(err)
}

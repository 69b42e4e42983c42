package sticker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"yixian/internal/fault"
)

// Font is a font of the system whose outlines are drawn. It is safe for use by several at once.
type Font struct {
	mu   sync.Mutex
	font *sfnt.Font
	buf  sfnt.Buffer
	em   int
}

// places are where fonts with Chinese characters usually lie.
var places = []string{
	"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
	"/usr/share/fonts/*/*/NotoSansCJK*Regular.*", "/usr/share/fonts/*/NotoSansCJK*Regular.*", "/usr/share/fonts/*/*/NotoSansSC*Regular.*", "/usr/share/fonts/*/*/SourceHanSans*Regular.*",
	"/usr/share/fonts/*/*/wqy-microhei.ttc", "/usr/share/fonts/*/*/wqy-zenhei.ttc", "/usr/share/fonts/*/wqy-*/*.ttc", "/usr/local/share/fonts/*", "/System/Library/Fonts/PingFang.ttc", "/System/Library/Fonts/STHeiti Light.ttc",
}

// FindFont opens the named font file, or looks for one with Chinese characters. Without any: 503 NO_FONT, which says what to do.
func FindFont(named string) (*Font, error) {
	candidates := []string{named}
	if named == "" {
		candidates = nil
		for _, p := range places {
			found, _ := filepath.Glob(p)
			slices.Sort(found)
			candidates = append(candidates, found...)
		}
	}
	var last error
	for _, name := range candidates {
		f, err := openFont(name)
		if err == nil {
			return f, nil
		}
		last = err
	}
	return nil, fault.New(503, "NO_FONT", "服务器上没有可用的中文字体，暂不能生成 PDF：请改用 SVG（浏览器打印），或由管理员安装字体包 fonts-noto-cjk，或用 FONT_FILE 指定字体文件").Because(last)
}

func openFont(name string) (*Font, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all, err := sfnt.ParseCollection(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	var best *Font
	for i := range all.NumFonts() {
		one, err := all.Font(i)
		if err != nil {
			continue
		}
		f := &Font{font: one, em: int(one.UnitsPerEm())}
		if g, err := one.GlyphIndex(&f.buf, '网'); err != nil || g == 0 {
			continue
		}
		family, _ := one.Name(&f.buf, sfnt.NameIDFull)
		if best == nil || strings.Contains(family, " SC") && !strings.Contains(family, "Mono") {
			best = f
			if strings.Contains(family, " SC") && !strings.Contains(family, "Mono") {
				break
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%s has no Chinese characters", filepath.Base(name))
	}
	return best, nil
}

type glyph struct {
	path    sfnt.Segments
	advance float64 // in units of the font
}

// outlines gives the glyphs of a line with its width, in units of the font.
func (f *Font) outlines(line string) (out []glyph, width float64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ppem := fixed.I(f.em)
	for _, r := range line {
		index, err := f.font.GlyphIndex(&f.buf, r)
		if err != nil {
			return nil, 0, err
		}
		path, err := f.font.LoadGlyph(&f.buf, index, ppem, nil)
		if err != nil {
			return nil, 0, err
		}
		advance, err := f.font.GlyphAdvance(&f.buf, index, ppem, font.HintingNone)
		if err != nil {
			return nil, 0, err
		}
		g := glyph{slices.Clone(path), float64(advance) / 64} // the buffer's own is overwritten by the next
		out, width = append(out, g), width+g.advance
	}
	return out, width, nil
}

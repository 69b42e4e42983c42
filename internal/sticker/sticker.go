// Package sticker draws sheets of stickers with a QR code and a few words, to print and cut: A4 as PDF or SVG. Words in a PDF
// are drawn as outlines of a font of the system, so that the file needs no font and any printer prints it.
package sticker

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
	"rsc.io/qr"
)

// Sticker is one sticker: Link is what the code holds, the lines stand under it from large to small.
type Sticker struct {
	Link  string
	Lines []string
}

// The sheet in millimetres: A4 with 3 × 4 stickers.
const (
	pageW, pageH = 210.0, 297.0
	columns      = 3
	rows         = 4
	margin       = 8.0
	codeSide     = 42.0
	quiet        = 4 // modules of white around a code
)

// PerPage is how many stickers stand on a page.
const PerPage = columns * rows

// sizes of the lines' letters in millimetres: the first, the others.
var sizes = []float64{4.6, 3.2}

func sizeOf(line int) float64 {
	if line < len(sizes) {
		return sizes[line]
	}
	return sizes[len(sizes)-1]
}

// cell is where sticker i of a page stands.
func cell(i int) (x, y, w, h float64) {
	w, h = (pageW-2*margin)/columns, (pageH-2*margin)/rows
	return margin + float64(i%columns)*w, margin + float64(i/columns)*h, w, h
}

// code gives the dark modules of a QR code as runs in each row; level Q survives a quarter of the sticker being worn off.
func code(link string) (side int, run func(yield func(x, y, n int))) {
	c, err := qr.Encode(link, qr.Q)
	if err != nil { // longer than any link of ours
		return 1, func(func(x, y, n int)) {}
	}
	return c.Size, func(yield func(x, y, n int)) {
		for y := range c.Size {
			for x := 0; x < c.Size; x++ {
				n := 0
				for x+n < c.Size && c.Black(x+n, y) {
					n++
				}
				if n > 0 {
					yield(x, y, n)
					x += n
				}
			}
		}
	}
}

// SVG writes one page; its words are text, drawn by the fonts of whoever opens it.
func SVG(to io.Writer, page []Sticker) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %g %g" font-family="'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif" text-anchor="middle">`, pageW, pageH, pageW, pageH)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>`)
	for i, s := range page {
		x, y, w, h := cell(i)
		fmt.Fprintf(&b, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="none" stroke="#bbb" stroke-width=".2" stroke-dasharray="1 1"/>`, x, y, w, h)
		side, runs := code(s.Link)
		module := codeSide / float64(side+2*quiet)
		left, top := x+(w-codeSide)/2+quiet*module, y+3+quiet*module
		b.WriteString(`<path d="`)
		runs(func(mx, my, n int) {
			fmt.Fprintf(&b, "M%.3f %.3fh%.3fv%.3fh-%.3fz", left+float64(mx)*module, top+float64(my)*module, float64(n)*module, module, float64(n)*module)
		})
		b.WriteString(`"/>`)
		base := y + 3 + codeSide
		for k, line := range s.Lines {
			base += sizeOf(k) * 1.25
			fmt.Fprintf(&b, `<text x="%.2f" y="%.2f" font-size="%.2f">%s</text>`, x+w/2, base, sizeOf(k), html.EscapeString(line))
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(to, b.String())
	return err
}

// PDF writes all stickers, PerPage on a page. The words are outlines of f.
func PDF(to io.Writer, f *Font, stickers []Sticker, made time.Time) error {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetCreationDate(made)
	doc.SetModificationDate(made)
	doc.SetCatalogSort(true)
	doc.SetAutoPageBreak(false, 0)
	doc.SetLineWidth(.2)
	for i, s := range stickers {
		if i%PerPage == 0 {
			doc.AddPage()
		}
		x, y, w, h := cell(i % PerPage)
		doc.SetDrawColor(187, 187, 187)
		doc.SetDashPattern([]float64{1, 1}, 0)
		doc.Rect(x, y, w, h, "D")
		side, runs := code(s.Link)
		module := codeSide / float64(side+2*quiet)
		left, top := x+(w-codeSide)/2+quiet*module, y+3+quiet*module
		doc.SetFillColor(0, 0, 0)
		runs(func(mx, my, n int) {
			doc.Rect(left+float64(mx)*module, top+float64(my)*module, float64(n)*module, module, "F")
		})
		base := y + 3 + codeSide
		for k, line := range s.Lines {
			base += sizeOf(k) * 1.25
			if err := f.draw(doc, line, x+w/2, base, sizeOf(k), w-4); err != nil {
				return err
			}
		}
	}
	return doc.Output(to)
}

// draw writes a line's outlines, centred, narrowed when it is wider than most.
func (f *Font) draw(doc *fpdf.Fpdf, line string, middle, base, size, most float64) error {
	glyphs, width, err := f.outlines(line)
	if err != nil {
		return err
	}
	scale := size / float64(f.em)
	squeeze := min(1, most/max(width*scale, 1e-9))
	x := middle - width*scale*squeeze/2
	for _, g := range glyphs {
		at := func(s sfnt.Segment, i int) (float64, float64) {
			return x + float64(s.Args[i].X)/64*scale*squeeze, base + float64(s.Args[i].Y)/64*scale
		}
		var cx, cy float64
		for n, s := range g.path {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if n > 0 {
					doc.ClosePath()
				}
				cx, cy = at(s, 0)
				doc.MoveTo(cx, cy)
			case sfnt.SegmentOpLineTo:
				cx, cy = at(s, 0)
				doc.LineTo(cx, cy)
			case sfnt.SegmentOpQuadTo: // as a cubic
				qx, qy := at(s, 0)
				ex, ey := at(s, 1)
				doc.CurveBezierCubicTo(cx+2./3*(qx-cx), cy+2./3*(qy-cy), ex+2./3*(qx-ex), ey+2./3*(qy-ey), ex, ey)
				cx, cy = ex, ey
			case sfnt.SegmentOpCubeTo:
				ax, ay := at(s, 0)
				bx, by := at(s, 1)
				cx, cy = at(s, 2)
				doc.CurveBezierCubicTo(ax, ay, bx, by, cx, cy)
			}
		}
		if len(g.path) > 0 {
			doc.ClosePath()
			doc.DrawPath("f")
		}
		x += g.advance * scale * squeeze
	}
	return nil
}

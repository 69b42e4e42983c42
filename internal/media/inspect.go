package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"

	"golang.org/x/image/webp"

	"yixian/internal/fault"
)

type kind int

const (
	kindJPEG kind = iota + 1
	kindPNG
	kindWebP
)

// header is what is known of a picture before a pixel is decoded.
type header struct {
	kind          kind
	width, height int
	memory        int64 // most the decoder will hold, in bytes
	least         int64 // fewest bytes a complete file of this size can have
	promised      int64 // length of the file as far as its PNG chunks say
	scans         int   // of a progressive JPEG
	frames        bool  // animated
	exif          []byte
}

// maxScans of a progressive JPEG: each may cost a pass over the whole picture for a few bytes of file.
// Encoders write about ten.
const maxScans = 100

// inspect finds out by content what the bytes are, and refuses what is too expensive to decode.
func inspect(raw []byte, limits Limits) (*header, error) {
	h, err := sniff(raw)
	if err != nil {
		return nil, err
	}
	if err := h.measure(raw); err != nil && !h.frames { // an animated WebP has no single picture to describe
		return nil, unreadable(err)
	}
	switch h.kind {
	case kindJPEG:
		h.walkJPEG(raw)
	case kindPNG:
		h.walkPNG(raw)
	case kindWebP:
		if h.memory == 0 {
			h.memory = h.pixels() * 3 / 2
		} else {
			h.memory *= h.pixels()
		}
	}
	if err := h.within(limits); err != nil {
		return nil, err
	}
	if h.width < 1 || h.height < 1 || int64(len(raw)) < h.least {
		return nil, broken(errors.New("fewer bytes than the header promises"))
	}
	return h, nil
}

// prefix is how much of an upload is read before the first look at it.
const prefix = 64 << 10

// glance refuses by the first bytes what need not be read to its end: foreign kinds, giants, and a PNG
// with a chunk beyond the limit. It refuses nothing that inspect would take.
func glance(first []byte, limits Limits) error {
	h, err := sniff(first)
	if err != nil {
		return err
	}
	if h.measure(first) != nil {
		return nil //nolint:nilerr // perhaps only because the rest is missing
	}
	if h.kind == kindPNG {
		if h.walkPNG(first); h.promised > limits.Bytes {
			return tooLarge(limits)
		}
	}
	return h.within(limits)
}

// measure asks the decoder for the size, which costs no pixels.
func (h *header) measure(raw []byte) error {
	var config image.Config
	var err error
	switch h.kind {
	case kindJPEG:
		config, err = jpeg.DecodeConfig(bytes.NewReader(raw))
	case kindPNG:
		config, err = png.DecodeConfig(bytes.NewReader(raw))
	case kindWebP:
		config, err = webp.DecodeConfig(bytes.NewReader(raw))
	}
	h.width, h.height = config.Width, config.Height
	return err
}

func (h *header) within(limits Limits) error {
	switch {
	case h.frames:
		return tooBig("不支持动态图片，请上传一张静态照片")
	case h.pixels() > limits.Pixels || max(h.width, h.height) > limits.Side || h.memory > limits.Memory || h.scans > maxScans:
		return tooBig("照片尺寸过大（上限 %d 万像素、最长边 %d 像素），请缩小后再上传", limits.Pixels/10_000, limits.Side)
	}
	return nil
}

func (h *header) pixels() int64 { return int64(h.width) * int64(h.height) }

func sniff(raw []byte) (*header, error) {
	switch {
	case len(raw) == 0:
		return nil, broken(errors.New("empty upload"))
	case bytes.HasPrefix(raw, []byte("\xff\xd8\xff")):
		return &header{kind: kindJPEG}, nil
	case bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		return &header{kind: kindPNG}, nil
	case len(raw) >= 12 && string(raw[:4]) == "RIFF" && string(raw[8:12]) == "WEBP":
		h := &header{kind: kindWebP}
		h.walkWebP(raw)
		return h, nil
	case isHEIF(raw):
		return nil, unsupported("服务器不能读取 HEIC 照片：请在手机上转换为 JPEG 后上传（iPhone：设置 › 相机 › 格式 › 兼容性最佳）").With("format", "heic")
	}
	return nil, unsupported("只接受 JPEG、PNG 或 WebP 照片")
}

// isHEIF knows the ISO media brands of HEIC and HEIF stills and sequences.
func isHEIF(raw []byte) bool {
	if len(raw) < 12 || string(raw[4:8]) != "ftyp" {
		return false
	}
	switch string(raw[8:12]) {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "mif2", "msf1":
		return true
	}
	return false
}

// walkJPEG reads the segments before the first scan: components, whether it is progressive, EXIF.
func (h *header) walkJPEG(raw []byte) {
	h.memory = 15 * h.pixels() // the worst, should the frame header not be found
	for at := 2; at+4 <= len(raw); {
		if raw[at] != 0xff {
			at++
			continue
		}
		marker := raw[at+1]
		if marker == 0xff || marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8 { // no length follows
			at++
			continue
		}
		end := at + 2 + int(binary.BigEndian.Uint16(raw[at+2:]))
		if marker == 0xda || marker == 0xd9 || end > len(raw) || end < at+4 {
			return
		}
		body := raw[at+4 : end]
		switch {
		case marker == 0xc0 || marker == 0xc1 || marker == 0xc2:
			h.frameJPEG(body, marker == 0xc2)
			if marker == 0xc2 {
				// The pair FF DA cannot occur inside coded data, so this never counts too few scans.
				h.scans = bytes.Count(raw, []byte{0xff, 0xda})
			}
		case marker == 0xe1 && h.exif == nil && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			h.exif = body[6:]
		}
		at = end
	}
}

// frameJPEG estimates from the frame header. Each 8×8 block takes at least one bit of file.
func (h *header) frameJPEG(body []byte, progressive bool) {
	if len(body) < 6 || len(body) < 6+3*int(body[5]) {
		return
	}
	n, hMax, vMax := int(body[5]), 1, 1
	for i := range n {
		hMax, vMax = max(hMax, int(body[7+3*i]>>4)), max(vMax, int(body[7+3*i]&15))
	}
	columns, rows := ceil(h.width, 8*hMax), ceil(h.height, 8*vMax)
	var blocks int64
	for i := range n {
		blocks += int64(columns) * int64(rows) * int64(body[7+3*i]>>4) * int64(body[7+3*i]&15)
	}
	if n == 1 { // the sampling of a lone component has no meaning
		blocks = int64(ceil(h.width, 8)) * int64(ceil(h.height, 8))
	}
	h.least = blocks / 8
	h.memory = blocks * 64
	if progressive {
		h.memory += blocks * 64 * 4 // coefficients stay as int32 until the last scan
	}
	if n == 4 || n == 3 && body[6] == 'R' { // CMYK and RGB are copied to four bytes a pixel
		h.memory += 4 * h.pixels()
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// walkPNG reads the chunks: depth, animation, EXIF. Deflate makes at most 1,032 bytes of one.
func (h *header) walkPNG(raw []byte) {
	if len(raw) < 29 {
		return
	}
	depth, colour, interlaced := int64(raw[24]), raw[25], raw[28] == 1
	samples, bytesPP := int64(1), max(1, depth/8)
	switch colour { // more than one sample decodes to four
	case 2:
		samples, bytesPP = 3, depth/2
	case 4:
		samples, bytesPP = 2, depth/2
	case 6:
		samples, bytesPP = 4, depth/2
	}
	for at := 8; at+12 <= len(raw); {
		size := int64(binary.BigEndian.Uint32(raw[at:]))
		end := int64(at) + 12 + size
		if h.promised = end; end > int64(len(raw)) {
			break
		}
		switch string(raw[at+4 : at+8]) {
		case "acTL":
			h.frames = true
		case "tRNS":
			if colour == 0 {
				bytesPP = max(4, depth/2)
			}
		case "eXIf":
			h.exif = raw[at+8 : end-4]
		}
		at = int(end)
	}
	h.memory = h.pixels() * bytesPP
	if interlaced {
		h.memory += h.memory / 2 // the last pass is half of the picture
	}
	h.least = h.pixels() * samples * depth / 8 / 1032
}

// walkWebP reads the chunks: animation, EXIF. memory becomes bytes a pixel, 0 for plain lossy.
func (h *header) walkWebP(raw []byte) {
	for at := 12; at+8 <= len(raw); {
		size := int64(binary.LittleEndian.Uint32(raw[at+4:]))
		end := min(int64(at)+8+size, int64(len(raw)))
		body := raw[at+8 : end]
		switch string(raw[at : at+4]) {
		case "VP8X":
			h.frames = h.frames || len(body) > 0 && body[0]&2 != 0
		case "ANIM", "ANMF":
			h.frames = true
		case "VP8L", "ALPH":
			h.memory = 10 // pixels, a transformed copy, alpha
		case "EXIF":
			h.exif = bytes.TrimPrefix(body, []byte("Exif\x00\x00"))
		}
		at = int(end + size&1)
	}
}

func unreadable(err error) error {
	var jpegNo jpeg.UnsupportedError
	var pngNo png.UnsupportedError
	if errors.As(err, &pngNo) && pngNo == "dimension overflow" {
		return tooBig("照片尺寸过大，请缩小后再上传").Because(err)
	}
	if errors.As(err, &jpegNo) || errors.As(err, &pngNo) {
		return unsupported("这种照片编码无法读取，请另存为普通 JPEG 后上传").Because(err)
	}
	return broken(err)
}

func unsupported(format string, args ...any) *fault.Error {
	return fault.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA", format, args...)
}

func broken(cause error) *fault.Error {
	return fault.New(http.StatusUnprocessableEntity, "BROKEN_IMAGE", "照片已损坏或没有传完整，请重新选择").Because(cause)
}

func tooLarge(limits Limits) *fault.Error {
	return fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "照片文件不能超过 %d MB，请压缩后再上传", limits.Bytes>>20)
}

func tooBig(format string, args ...any) *fault.Error {
	return fault.New(http.StatusUnprocessableEntity, "IMAGE_TOO_BIG", format, args...)
}

package media

import "image"

// upright turns a shrunken picture the way EXIF orientation 1–8 says it was held (CIPA DC-008, tag 0x0112).
func upright(src image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	rect := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		rect = image.Rect(0, 0, h, w)
	}
	switch m := src.(type) {
	case *image.Gray:
		dst := image.NewGray(rect)
		turn(m.Pix, m.Stride, w, h, dst.Pix, dst.Stride, orientation)
		return dst
	case *image.YCbCr: // 4:2:0, halved the same both ways: the planes turn alike
		dst := image.NewYCbCr(rect, image.YCbCrSubsampleRatio420)
		turn(m.Y, m.YStride, w, h, dst.Y, dst.YStride, orientation)
		turn(m.Cb, m.CStride, (w+1)/2, (h+1)/2, dst.Cb, dst.CStride, orientation)
		turn(m.Cr, m.CStride, (w+1)/2, (h+1)/2, dst.Cr, dst.CStride, orientation)
		return dst
	}
	return src
}

// turn copies a plane of w×h; the new pixel (x,y) lies at origin + x·right + y·down of the old one.
func turn(src []byte, srcStride, w, h int, dst []byte, dstStride, orientation int) {
	lastX, lastY := w-1, (h-1)*srcStride
	var origin, right, down int
	switch orientation {
	case 2: // mirrored
		origin, right, down = lastX, -1, srcStride
	case 3: // upside down
		origin, right, down = lastX+lastY, -1, -srcStride
	case 4:
		origin, right, down = lastY, 1, -srcStride
	case 5: // transposed
		origin, right, down = 0, srcStride, 1
	case 6: // turn a quarter clockwise
		origin, right, down = lastY, -srcStride, 1
	case 7:
		origin, right, down = lastX+lastY, -srcStride, -1
	case 8: // turn a quarter anticlockwise
		origin, right, down = lastX, srcStride, -1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	for y := range h {
		at := origin + y*down
		row := dst[y*dstStride:][:w]
		for x := range row {
			row[x] = src[at]
			at += right
		}
	}
}

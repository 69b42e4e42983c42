import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { exifTime, fit, MOST, preparePhoto, UnreadablePhoto } from './prepare'

describe('fit', () => {
  it.each([
    [4000, 3000, 1600, 1200], [3000, 4000, 1200, 1600], [800, 600, 800, 600], [1600, 1600, 1600, 1600], [20000, 1, 1600, 1],
  ])('%i × %i → %i × %i', (w, h, width, height) => expect(fit(w, h)).toEqual({ width, height }))
})

describe('exifTime', () => {
  it.each([
    ['2026:06:08 09:00:00', undefined, '2026-06-08T09:00:00+08:00'],
    ['2026:06:08 09:00:00', '+00:00', '2026-06-08T09:00:00+00:00'],
    ['2026:06:08 09:00:00', 'Z?', '2026-06-08T09:00:00+08:00'],
    ['0000:00:00 00:00:00', undefined, undefined],
    ['2026:13:08 09:00:00', undefined, undefined],
    ['yesterday', undefined, undefined],
    [undefined, undefined, undefined],
  ])('%s %s → %s', (value, zone, text) => expect(exifTime(value, zone)).toBe(text))
})

/** A JPEG header with one APP1/EXIF block: taken 2026-06-08 09:30:15, at 26° 5' 15" N, 119° 18' 28.8" E. */
function jpegWithGps(): Blob {
  return new Blob([readFileSync(join(import.meta.dirname, 'testdata/gps.jpg'))], { type: 'image/jpeg' })
}

describe('preparePhoto', () => {
  function canvasThatEncodes(blob: Blob | null) {
    const paint = { fillStyle: '', fillRect: vi.fn(), drawImage: vi.fn() }
    vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(paint as never)
    vi.spyOn(HTMLCanvasElement.prototype, 'toBlob').mockImplementation((done) => done(blob))
    vi.stubGlobal('createImageBitmap', vi.fn(async () => ({ width: 4000, height: 3000, close: vi.fn() })))
    return paint
  }

  it('reads place and time before the re-encode drops them', async () => {
    const small = new Blob(['small'], { type: 'image/jpeg' })
    const paint = canvasThatEncodes(small)
    const photo = await preparePhoto(jpegWithGps())
    expect(photo.blob).toBe(small)
    expect([photo.width, photo.height]).toEqual([1600, 1200])
    expect(photo.point!.lat).toBeCloseTo(26.0875, 6)
    expect(photo.point!.lon).toBeCloseTo(119.308, 6)
    expect(photo.takenAt).toBe('2026-06-08T09:30:15+08:00')
    expect(paint.drawImage).toHaveBeenCalledWith(expect.anything(), 0, 0, 1600, 1200)
  })

  it('takes a photo without tags', async () => {
    canvasThatEncodes(new Blob(['x']))
    const photo = await preparePhoto(new Blob(['no exif here'], { type: 'image/jpeg' }))
    expect([photo.point, photo.takenAt]).toEqual([undefined, undefined])
  })

  it('encodes a photo full of detail a little worse, until it fits', async () => {
    canvasThatEncodes(null)
    const tried: unknown[] = []
    vi.spyOn(HTMLCanvasElement.prototype, 'toBlob').mockImplementation((done, _type, quality) => {
      tried.push(quality)
      done(new Blob([new Uint8Array(MOST * 1.6 * (quality as number))]))
    })
    expect((await preparePhoto(new Blob(['x']))).blob.size).toBe(MOST * 0.8)
    expect(tried).toEqual([0.8, 0.65, 0.5])
  })

  it('refuses what the browser cannot decode or encode', async () => {
    canvasThatEncodes(null)
    await expect(preparePhoto(new Blob(['x']))).rejects.toBeInstanceOf(UnreadablePhoto)
  })
})

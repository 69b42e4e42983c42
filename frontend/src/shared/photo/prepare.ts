// From a camera file to what is sent: read where and when it was taken, then re-encode small. The order
// matters: drawing on a canvas drops all EXIF, which is wanted for privacy and would lose the position.
export interface PreparedPhoto {
  blob: Blob
  width: number
  height: number
  /** WGS-84 from the photo's own GPS tags. */
  point?: { lon: number; lat: number }
  /** RFC 3339 in China time when the photo itself names no zone. */
  takenAt?: string
}

export const EDGE = 1600
/** Leaves and gravel need more bytes than most: then a little worse, until it fits into `MOST`. */
const QUALITIES = [0.8, 0.65, 0.5, 0.35]
export const MOST = 500_000

// The mini build of exifr knows no names of tags: DateTimeOriginal and OffsetTimeOriginal by number.
const TAKEN = 0x9003
const ZONE = 0x9011

/** The file is not an image that this browser can read. */
export class UnreadablePhoto extends Error {
  constructor(
    message: string,
    /** It is a photo, but of a sort that this browser does not know: the way out is in the camera's settings. */
    readonly heic = false,
  ) {
    super(message)
  }
}

/** HEIC and HEIF begin with a box "ftyp" that names one of these brands (ISO/IEC 23008-12). */
const HEIC = /^ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)/

async function isHeic(file: Blob): Promise<boolean> {
  const head = new Uint8Array(await file.slice(4, 12).arrayBuffer())
  return HEIC.test(String.fromCharCode(...head))
}

/** Width and height after shrinking the longer edge to at most `edge`; never enlarges. */
export function fit(width: number, height: number, edge = EDGE): { width: number; height: number } {
  const scale = Math.min(1, edge / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** "2026:06:08 09:00:00" (EXIF has no zone; OffsetTimeOriginal may) → RFC 3339; undefined if malformed. */
export function exifTime(value: unknown, zone: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const m = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(value)
  if (!m || m[1] === '0000') return undefined
  const z = typeof zone === 'string' && /^[+-]\d\d:\d\d$/.test(zone) ? zone : '+08:00'
  const text = `${m[1]}-${m[2]}-${m[3]}T${m[4]}${z}`
  return Number.isNaN(Date.parse(text)) ? undefined : text
}

async function readTags(file: Blob): Promise<Pick<PreparedPhoto, 'point' | 'takenAt'>> {
  try {
    const exifr = await import('exifr/dist/mini.esm.mjs')
    const tags = await exifr.parse(file, { gps: true, exif: [TAKEN, ZONE], reviveValues: false })
    const { latitude: lat, longitude: lon } = (tags ?? {}) as { latitude?: number; longitude?: number }
    const known = typeof lat === 'number' && typeof lon === 'number' && Number.isFinite(lat) && Number.isFinite(lon) && (lat !== 0 || lon !== 0)
    return {
      point: known ? { lon, lat } : undefined,
      takenAt: exifTime(tags?.[TAKEN], tags?.[ZONE]),
    }
  } catch {
    return {} // a photo without readable tags is still a photo
  }
}

async function decode(file: Blob): Promise<ImageBitmap | HTMLImageElement> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' })
  } catch {
    // Older Safari knows no options; an <img> applies the orientation by itself.
    const url = URL.createObjectURL(file)
    try {
      const img = new Image()
      img.src = url
      await img.decode()
      return img
    } catch {
      throw new UnreadablePhoto('not a readable image', await isHeic(file).catch(() => false))
    } finally {
      URL.revokeObjectURL(url)
    }
  }
}

export async function preparePhoto(file: Blob): Promise<PreparedPhoto> {
  const tags = await readTags(file)
  const source = await decode(file)
  const { width, height } = fit('naturalWidth' in source ? source.naturalWidth : source.width, 'naturalHeight' in source ? source.naturalHeight : source.height)
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const paint = canvas.getContext('2d')
  if (!paint) throw new UnreadablePhoto('no canvas')
  paint.fillStyle = '#fff' // a transparent PNG must not turn black as JPEG
  paint.fillRect(0, 0, width, height)
  paint.drawImage(source, 0, 0, width, height)
  if ('close' in source) source.close()
  let blob: Blob | null = null
  for (const quality of QUALITIES) {
    blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', quality))
    if (!blob || blob.size <= MOST) break
  }
  canvas.width = canvas.height = 0 // gives the memory back at once on old phones
  if (!blob) throw new UnreadablePhoto('encoding failed')
  return { blob, width, height, ...tags }
}

/** Saves a drawing as a PNG file on the device; false where the browser cannot (then a screenshot does). */
export async function savePicture(svg: SVGElement, name: string, side = 720): Promise<boolean> {
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: 'image/svg+xml' }))
  try {
    const img = new Image(side, side)
    img.src = url
    await img.decode()
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = side
    canvas.getContext('2d')!.drawImage(img, 0, 0, side, side)
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'))
    if (!blob) return false
    const a = document.createElement('a')
    a.href = URL.createObjectURL(blob)
    a.download = name
    a.click()
    setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
    return true
  } catch {
    return false
  } finally {
    URL.revokeObjectURL(url)
  }
}

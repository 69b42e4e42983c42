// Where this device is. Browsers answer WGS-84; an http address that is not localhost has no geolocation
// at all, which is treated as any other refusal: the map is the way on.
export interface Fix {
  lon: number
  lat: number
  accuracy_m: number
}

export class NoPosition extends Error {
  constructor(readonly reason: 'denied' | 'unavailable' | 'insecure') {
    super(reason)
  }
}

/** @param timeout milliseconds until giving up */
export function whereAmI(timeout = 10_000): Promise<Fix> {
  return new Promise((resolve, reject) => {
    if (!('geolocation' in navigator) || !window.isSecureContext) return reject(new NoPosition('insecure'))
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude, accuracy_m: Math.round(coords.accuracy) }),
      (e) => reject(new NoPosition(e.code === e.PERMISSION_DENIED ? 'denied' : 'unavailable')),
      { enableHighAccuracy: true, timeout, maximumAge: 30_000 },
    )
  })
}

import { describe, expect, it } from 'vitest'
import { metresBetween, presence } from './place'

const meet = { lon: 119.308, lat: 26.0875 }
/** A point so many metres north of the meeting place; one degree of latitude is 111,195 m on the sphere. */
const north = (m: number, accuracy_m = 0) => ({ lon: meet.lon, lat: meet.lat + m / 111_195.08, accuracy_m })

describe('metresBetween', () => {
  it('is 0 to itself, symmetric, and right over a known span', () => {
    expect(metresBetween(meet, meet)).toBe(0)
    const far = { lon: 119.4, lat: 26.2 }
    expect(metresBetween(meet, far)).toBeCloseTo(metresBetween(far, meet), 6)
    expect(metresBetween(meet, north(1000))).toBeCloseTo(1000, 1)
  })
})

describe('presence', () => {
  it('lets in at 300 m and not beyond', () => {
    expect(presence(north(299), meet).verdict).toBe('inside')
    expect(presence(north(302), meet).verdict).toBe('tooFar')
  })

  it('credits the accuracy, but never more than 100 m', () => {
    expect(presence(north(380, 90), meet).verdict).toBe('inside')
    expect(presence(north(420, 400), meet).verdict).toBe('tooFar')
  })

  it('calls a position that is off by more than 500 m poor even on the spot', () => {
    expect(presence(north(0, 501), meet).verdict).toBe('poorAccuracy')
    expect(presence(north(0, 500), meet).verdict).toBe('inside')
  })
})

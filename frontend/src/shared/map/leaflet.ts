// Leaflet behind one lazy door: `const { L, createMap } = await import('@/shared/map/leaflet')`.
import * as L from 'leaflet'
import 'leaflet/dist/leaflet.css'
import './map.css'
import type { AreaFeature } from './areas'

export { L }

/** A map without tiles, attribution links or Leaflet's own controls; the kit's buttons are accessible. */
export function createMap(el: HTMLElement, center: L.LatLngExpression, zoom: number): L.Map {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  return L.map(el, { center, zoom, minZoom: 11, maxZoom: 19, zoomSnap: 0.25, zoomControl: false, attributionControl: false, keyboard: false, preferCanvas: true, zoomAnimation: !still, fadeAnimation: !still, inertia: !still })
}

/** A colour of the page's own tokens, for the canvas, which knows no CSS. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** Streets as soft ground with their names, drawn below everything else. */
export function drawStreets(map: L.Map, features: AreaFeature[]): L.LayerGroup {
  const ground = [1, 2, 3, 4, 5].map((n) => token(`--map-${n}`))
  return L.geoJSON(features as never, {
    interactive: false,
    style: (f) => ({ color: token('--map-line'), weight: 2, fillColor: ground[features.indexOf(f as never) % ground.length], fillOpacity: 1 }),
    onEachFeature: (f, layer) => {
      layer.bindTooltip(String((f.properties as { name: string }).name), { permanent: true, direction: 'center', className: 'map-name', opacity: 1 })
    },
  }).addTo(map)
}

/** Grids as fine lines over the streets. */
export function drawGrids(map: L.Map, features: AreaFeature[]): L.GeoJSON {
  return L.geoJSON(features as never, { interactive: false, style: { color: token('--map-grid'), weight: 1, fill: false } }).addTo(map)
}

/** The grid under the pin. */
export function highlight(map: L.Map, feature: AreaFeature): L.GeoJSON {
  return L.geoJSON(feature as never, { interactive: false, style: { color: token('--blue'), weight: 3, fillColor: token('--blue'), fillOpacity: 0.14 } }).addTo(map)
}

export function pinIcon(): L.DivIcon {
  return L.divIcon({
    className: 'map-pin',
    iconSize: [40, 48],
    iconAnchor: [20, 46],
    html: '<svg viewBox="0 0 40 48" aria-hidden="true"><path d="M20 2C10.6 2 3 9.3 3 18.5 3 31 20 46 20 46s17-15 17-27.5C37 9.3 29.4 2 20 2z"/><circle cx="20" cy="18.5" r="6.5"/></svg>',
  })
}

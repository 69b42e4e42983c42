// Package grid owns WHERE and WHO: districts, streets, communities and grids with their polygons, the
// look-up of a point, the datums, and the organisations that answer for a place. It knows nothing of
// cases, calls or messages, and it reads no clock: an instant is always passed in.
//
// Every geometry inside is WGS-84, longitude before latitude, in degrees. GCJ-02 and BD-09 exist only
// at the edges (ToWGS84, FromWGS84): in Gulou the two differ by about 590 m, enough to send a case to
// the wrong street without any error shown.
package grid

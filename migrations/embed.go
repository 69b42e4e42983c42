// Package migrations holds the schema as numbered SQL files for goose. A file that has landed is never edited.
package migrations

import "embed"

// FS holds 00001_*.sql, 00002_*.sql … in goose's format.
//
//go:embed *.sql
var FS embed.FS

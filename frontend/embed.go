//go:build !no_ui

package frontend

import "embed"

// The pages are built, not committed: on a clean checkout dist holds only .keep, so that every plain go
// command works; Missing tells the program to say so at start-up.
//
//go:embed all:dist
var built embed.FS

package local

import (
	"net/http"

	"yixian/internal/fault"
)

// Codes of the refusals of this package. Each ends the start with one sentence and the way out.
const (
	CodeMissing    = "POSTGRES_MISSING"      // no usable server programs on this machine
	CodeRunning    = "POSTGRES_RUNNING"      // somebody else holds the directory
	CodeForeignDir = "POSTGRES_FOREIGN_DIR"  // the directory holds files that are not ours
	CodeVersion    = "POSTGRES_VERSION"      // data of another major version
	CodeNoAccess   = "POSTGRES_NO_ACCESS"    // no write permission
	CodeNotStarted = "POSTGRES_NOT_STARTED"  // the server ended before it was ready; the cause holds its words
	CodeNoTrigram  = "POSTGRES_NO_EXTENSION" // pg_trgm or btree_gist is not installed
	CodeRedis      = "REDIS_NOT_STARTED"
)

// refuse makes a start-up error: Chinese first, English in the second line. These errors end a command at
// a terminal and never travel over HTTP, so they may name paths — without a path there is no way out.
func refuse(code, zh, en string) *fault.Error {
	return fault.New(http.StatusServiceUnavailable, code, "%s", zh+"\n"+en)
}

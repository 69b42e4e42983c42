package local

import "yixian/internal/fault"

// RunningURL gives the addresses of the server that another process runs on the same directory, when that is why
// StartPostgres refused: a command can use it instead of starting its own.
func RunningURL(err error) (url func(role string) string, ok bool) {
	e, is := fault.As(err)
	if !is || e.Code != CodeRunning {
		return nil, false
	}
	socket, _ := e.Extra["socket"].(string)
	return func(role string) string { return dsn(socket, role, Database) }, socket != ""
}

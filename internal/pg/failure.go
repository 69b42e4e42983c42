package pg

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"yixian/internal/fault"
)

// Fault turns "the database is away or overloaded" into fault.Unavailable (503, Retry-After), a text that no database can hold (a
// NUL, broken UTF-8) into INVALID (422), and returns everything else unchanged. A caller that went away (context.Canceled) is not a failure of the database; a
// deadline that passed while waiting for it is.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := fault.As(err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	if away(err) {
		return fault.Unavailable(err)
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && (answer.Code == "22P05" || answer.Code == "22021") {
		return fault.Invalid("", "内容中有不能保存的字符（空字符或错误编码），请删去后重试") // the driver's text holds the value: it is no cause
	}
	return err
}

func away(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch answer.Code {
		case "57P01", "57P02", "57P03", "57P05", // shutdown, crash, not yet ready, idle session ended
			"57014", // canceled: statement_timeout (a canceled context never gets here)
			"58030", // input/output error of the disk
			"25P03": // idle in transaction for too long
			return true
		}
		// 08 connection, 53 resources: too many connections, memory, disk full
		return strings.HasPrefix(answer.Code, "08") || strings.HasPrefix(answer.Code, "53")
	}
	var refused *pgconn.ConnectError
	var network net.Error
	for _, lost := range []error{pgconn.ErrConnClosed, puddle.ErrClosedPool, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, lost) {
			return true
		}
	}
	// Every errno of the system satisfies net.Error: a file that cannot be written is no lost connection.
	var errno syscall.Errno
	var op *net.OpError
	return errors.As(err, &refused) || errors.As(err, &op) || (errors.As(err, &network) && !errors.As(err, &errno))
}

// Retryable reports that the same transaction may run again at once: it lost against another one
// (serialization, deadlock), or the connection was lost before anything was sent. A lost answer is not
// retryable here — the statement may have taken effect; the idempotency key settles it.
func Retryable(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Code == "40001" || answer.Code == "40P01"
	}
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && pgconn.SafeToRetry(err)
}

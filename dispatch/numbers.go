package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"yixian/internal/pg"
)

// blockSize is how many case numbers a process takes at once (domain 2.1: gaps are normal).
const blockSize = 50

// numbers hands out case numbers "350102-20260608-000123" from blocks, so that filing never queues at a counter row.
type numbers struct {
	mu     sync.Mutex
	blocks map[string]*block // district and day → what is left
}

type block struct{ next, end int }

func (n *numbers) draw(ctx context.Context, db *pg.DB, district string, local time.Time) (string, error) {
	day := local.Format("2006-01-02")
	key := district + day
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.blocks == nil {
		n.blocks = map[string]*block{}
	}
	b := n.blocks[key]
	if b == nil || b.next >= b.end {
		var end int
		err := db.Pool.QueryRow(pg.WithDistrict(ctx, district), `insert into case_no_block as b (district, day, next) values ($1, $2::date, $3 + 1)
			on conflict (district, day) do update set next = b.next + $3 returning next`, district, day, blockSize).Scan(&end)
		if err != nil {
			return "", err
		}
		if len(n.blocks) > 100 { // old days are never asked for again
			n.blocks = map[string]*block{}
		}
		b = &block{end - blockSize, end}
		n.blocks[key] = b
	}
	b.next++
	return fmt.Sprintf("%s-%s-%06d", district, local.Format("20060102"), b.next-1), nil
}

// Forget drops the numbers in hand: a sandbox that was reset starts them again.
func (n *numbers) Forget() {
	n.mu.Lock()
	n.blocks = nil
	n.mu.Unlock()
}

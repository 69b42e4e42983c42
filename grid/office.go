package grid

import (
	"context"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Office is where an administrator keeps who answers for what: units, duty rosters, components, devices and place codes.
// Every change is made in one transaction with its row in the audit; two at once never overwrite each other (409 STALE).
type Office struct {
	db      *pg.DB
	index   func() *Index
	inUse   func(ctx context.Context, tx pgx.Tx, district string, units []string) (map[string][]Blocker, error)
	changed func(context.Context) error

	units      register[OrgUnit]
	components register[Component]
	devices    register[Device]
	places     register[PlaceCode]
}

// NewOffice works through db. index is the map in force, inUse lists the open work and the rules that hold a unit (they belong to other packages), and
// changed is called after a change of the configuration that decisions read; both may be
// nil.
func NewOffice(db *pg.DB, index func() *Index, inUse func(ctx context.Context, tx pgx.Tx, district string, units []string) (map[string][]Blocker, error), changed func(context.Context) error) *Office {
	if changed == nil {
		changed = func(context.Context) error { return nil }
	}
	o := &Office{db: db, index: index, inUse: inUse, changed: changed}
	o.units = unitRegister(o)
	o.components = componentRegister(o)
	o.devices = deviceRegister(o)
	o.places = placeRegister(o)
	return o
}

// Blocker is something that still holds a thing: Kind (ASSIGNMENT, RULE, STAFF …), how many, and the first few by name.
type Blocker struct {
	Kind  string   `json:"kind"`
	Count int      `json:"count"`
	Items []string `json:"items"`
}

func admin(a auth.Actor) error {
	if a.Kind == auth.System {
		return nil
	}
	if ok, signedIn := a.May(auth.PermAdmin); !ok {
		if !signedIn {
			return fault.Unauthorized()
		}
		return fault.Forbidden("FORBIDDEN", "只有本区管理员可以修改配置")
	}
	return nil
}

package life

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
)

// people are those who act in a life: the district's staff as they are, and residents who have signed in.
type people struct {
	staff     []auth.Actor
	residents []auth.Actor
}

var (
	street    = []auth.Role{auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary}
	leaders   = []auth.Role{auth.RoleDeptLeader, auth.RoleStreetLeader, auth.RoleStreetSecretary}
	checkers  = []auth.Role{auth.RoleGridWorker, auth.RoleCommunityOfficer, auth.RoleStreetOfficer, auth.RoleStreetLeader}
	officials = []auth.Role{auth.RoleGridWorker, auth.RoleCommunityOfficer, auth.RoleStreetOfficer, auth.RoleDeptOfficer, auth.RoleUtility, auth.RoleProperty, auth.RoleNGO,
		auth.RoleStreetLeader, auth.RoleDeptLeader}
)

// meet reads the staff, by name so that it is the same every time, and signs residents in.
func (l *Life) meet(ctx context.Context, residents int) (p people, err error) {
	rows, err := l.DB.Pool.Query(pg.WithDistrict(ctx, l.Code), `select a.id, a.username, a.display_name, jsonb_agg(jsonb_build_object('role', b.role, 'unit', b.unit, 'grids', b.grids) order by b.role, b.unit)
		from account a join role_binding b on b.district = a.district and b.account_id = a.id
		where a.district = $1 and a.kind = 'STAFF' and a.disabled_at is null group by a.id, a.username, a.display_name order by a.username`, l.Code)
	if err != nil {
		return p, pg.Fault(err)
	}
	p.staff, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a auth.Actor, err error) {
		a.District, a.Kind = l.Code, auth.Staff
		return a, row.Scan(&a.Account, &a.Username, &a.Name, &a.Bindings)
	})
	if err != nil {
		return p, pg.Fault(err)
	}
	for n := range residents {
		a, err := l.SignIn(ctx, fmt.Sprintf("13911%06d", n))
		if err != nil {
			return p, err
		}
		p.residents = append(p.residents, a)
	}
	return p, nil
}

// of lists a unit's people in some of the roles.
func (p *people) of(unit string, roles ...auth.Role) (out []auth.Actor) {
	for _, a := range p.staff {
		if unit != "" && a.In(unit, roles...) != "" {
			out = append(out, a)
		}
	}
	return out
}

// having lists those with a role anywhere.
func (p *people) having(roles ...auth.Role) (out []auth.Actor) {
	for _, a := range p.staff {
		if a.Has(roles...) {
			out = append(out, a)
		}
	}
	return out
}

// walking lists the workers of a grid.
func (p *people) walking(grid string) (out []auth.Actor) {
	for _, a := range p.staff {
		if slices.Contains(a.Grids(), grid) {
			out = append(out, a)
		}
	}
	return out
}

// one draws somebody of a list; the zero actor when there is nobody.
func one(draw *rand.Rand, list []auth.Actor) (a auth.Actor) {
	if len(list) == 0 {
		return a
	}
	return list[draw.IntN(len(list))]
}

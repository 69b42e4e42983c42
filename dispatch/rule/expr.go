package rule

import (
	"fmt"
	"sort"
	"strings"
)

// Expr names a unit without knowing the district yet:
//
//	unit:<code>               this very unit
//	street_of(grid)           the street whose area holds the grid (街镇托底)
//	community_of(grid)        its community
//	owner_of(component)       the owner in the component ledger
//	maintainer_of(component)  the maintainer in the ledger, else the owner
//	line:<line>               the district's unit of that line (Lines)
//	line:$<facet>             the unit of the line that the answer to a facet question names
type Expr string

// The territorial and ledger expressions.
const (
	StreetOfGrid    Expr = "street_of(grid)"
	CommunityOfGrid Expr = "community_of(grid)"
	OwnerOf         Expr = "owner_of(component)"
	MaintainerOf    Expr = "maintainer_of(component)"
)

type exprKind uint8

const (
	exprStreet exprKind = iota
	exprCommunity
	exprOwner
	exprMaintainer
	exprUnit
	exprLine
	exprFacetLine
)

type expr struct {
	kind exprKind
	arg  string
}

func parseExpr(e Expr) (expr, error) {
	switch e {
	case StreetOfGrid:
		return expr{kind: exprStreet}, nil
	case CommunityOfGrid:
		return expr{kind: exprCommunity}, nil
	case OwnerOf:
		return expr{kind: exprOwner}, nil
	case MaintainerOf:
		return expr{kind: exprMaintainer}, nil
	}
	if code, ok := strings.CutPrefix(string(e), "unit:"); ok && code != "" {
		return expr{exprUnit, code}, nil
	}
	if line, ok := strings.CutPrefix(string(e), "line:"); ok {
		if facet, ok := strings.CutPrefix(line, "$"); ok && facet != "" {
			return expr{exprFacetLine, facet}, nil
		}
		if _, known := lineByCode[line]; known {
			return expr{exprLine, line}, nil
		}
		return expr{}, fmt.Errorf("没有条线 %q", line)
	}
	return expr{}, fmt.Errorf("看不懂单位表达式 %q", e)
}

// territorial: the expression names the area's own unit, not a department.
func (e expr) territorial() bool { return e.kind == exprStreet || e.kind == exprCommunity }

// Unit is what routing needs to know of an organisation unit.
type Unit struct {
	Code   string
	Name   string
	Kind   string // as grid names it: STREET, COMMUNITY, DEPARTMENT, UTILITY, …
	Line   string // code of Lines, "" for areas
	Active bool
}

// Directory is the organisation of one district at one moment. It must not change after NewSet has it.
type Directory struct {
	Units       map[string]Unit
	StreetOf    map[string]string // 9-digit street code → unit
	CommunityOf map[string]string // 12-digit community code → unit
}

// directory is a Directory with the line index.
type directory struct {
	Directory
	line map[string]string
}

func (d Directory) index() *directory {
	codes := make([]string, 0, len(d.Units))
	for code := range d.Units {
		codes = append(codes, code)
	}
	sort.Strings(codes)
	x := &directory{Directory: d, line: make(map[string]string)}
	for _, code := range codes {
		u := d.Units[code]
		if _, taken := x.line[u.Line]; u.Active && u.Line != "" && !taken {
			x.line[u.Line] = code // several units of one line: the lowest code
		}
	}
	return x
}

func (d *directory) live(code string) string {
	if u, ok := d.Units[code]; ok && u.Active {
		return code
	}
	return ""
}

// resolve gives the unit for the case, "" when the district has none.
func (d *directory) resolve(e expr, f *Facts) string {
	switch e.kind {
	case exprStreet:
		return d.live(d.StreetOf[f.street()])
	case exprCommunity:
		return d.live(d.CommunityOf[f.community()])
	case exprOwner:
		return d.live(f.ComponentOwner)
	case exprMaintainer:
		if u := d.live(f.ComponentMaintainer); u != "" {
			return u
		}
		return d.live(f.ComponentOwner)
	case exprUnit:
		return d.live(e.arg)
	case exprLine:
		return d.line[e.arg]
	case exprFacetLine:
		if line, ok := f.Facets[e.arg].(string); ok {
			return d.line[line]
		}
	}
	return ""
}

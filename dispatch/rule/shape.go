package rule

import (
	"reflect"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

var ringType = reflect.TypeFor[[][]float64]()

// opaque is a condition of which nothing is known but its text: a part of a cell that is no comparison of one variable.
const opaque = "opaque"

// shapeOf reads from a checked cell what it certainly demands, as conditions: comparisons of a variable with constants
// joined by &&, || and !. Everything else becomes opaque. The rank, the index and the checks of a set read it.
func shapeOf(a *ast.AST, e ast.Expr) cond {
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		args := call.Args()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr:
			c := cond{op: "all"}
			if call.FunctionName() == operators.LogicalOr {
				c.op = "any"
			}
			for _, arg := range args {
				c.of = append(c.of, shapeOf(a, arg))
			}
			return c
		case operators.LogicalNot:
			return cond{op: "not", of: []cond{shapeOf(a, args[0])}}
		case operators.Equals:
			for i := range args {
				if name, w, ok := compared(a, args[i], args[1-i]); ok {
					return cond{op: "eq", name: name, want: []value{w}}
				}
			}
		case operators.In:
			if name, ok := variableOf(a, args[0]); ok && args[1].Kind() == ast.ListKind {
				c := cond{op: "in", name: name}
				for _, x := range args[1].AsList().Elements() {
					w, ok := constant(x)
					if !ok || w == (value{typ: typeString}) { // "" is how a cell sees what is unknown
						return cond{op: opaque}
					}
					c.want = append(c.want, w)
				}
				if len(c.want) > 0 {
					return c
				}
			}
		case "startsWith":
			if call.IsMemberFunction() && len(args) == 1 {
				if name, w, ok := compared(a, call.Target(), args[0]); ok && w.typ == typeString && w.s != "" && name != "text" {
					return cond{op: "prefix", name: name, pre: w.s}
				}
			}
		}
	}
	return cond{op: opaque}
}

func compared(a *ast.AST, left, right ast.Expr) (string, value, bool) {
	name, ok := variableOf(a, left)
	w, ok2 := constant(right)
	if !ok || !ok2 || w == (value{typ: typeString}) { // "" is how a cell sees what is unknown
		return "", value{}, false
	}
	return name, w, true
}

// variableOf is the name of the variable that an expression reads, "component.owner" included.
func variableOf(a *ast.AST, e ast.Expr) (string, bool) {
	if r, ok := a.ReferenceMap()[e.ID()]; ok && r.Name != "" {
		if v, known := variables[r.Name]; known && v.typ != 0 {
			return r.Name, true
		}
	}
	if e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() {
		s := e.AsSelect()
		if r, ok := a.ReferenceMap()[s.Operand().ID()]; ok && r.Name == "facets" {
			return "facets." + s.FieldName(), true
		}
	}
	return "", false
}

func constant(e ast.Expr) (value, bool) {
	if e.Kind() != ast.LiteralKind {
		return value{}, false
	}
	switch v := e.AsLiteral().(type) {
	case types.String:
		return value{typ: typeString, s: string(v)}, true
	case types.Int:
		return value{typ: typeNumber, n: float64(v)}, true
	case types.Double:
		return value{typ: typeNumber, n: float64(v)}, true
	case types.Bool:
		return value{typ: typeBool, b: bool(v)}, true
	}
	return value{}, false
}

package rule

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	celcommon "cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"yixian/internal/fault"
)

// The bounds of an advanced cell (Rule.Cel). There are no loops in it, so that its cost is bounded by its length and the
// length of the values; the limit is counted in CEL's own units and gives the same answer on every machine. The deadline is
// the last wall, for all cells of one case together.
const (
	maxCell      = 2000 // characters
	cellCost     = 20_000
	cellDeadline = 100 * time.Millisecond
	cellWords    = 2000 // characters of the report's words that a cell sees
)

// cell is a compiled advanced cell: one CEL expression over the variables of Facts that is true or false. What it asks of
// something unknown (an answer that was not given) is false as a whole, as in a typed condition.
type cell struct {
	text    string
	program cel.Program
	words   bool // it reads the report's words
	shape   cond // what the expression certainly demands; only for rank and index, never evaluated
}

// loops are the macros that walk a list; has() is the only macro there is.
var loops = []string{"all", "exists", "exists_one", "map", "filter", "existsOne", "transformList", "transformMap"}

// cells is the one environment of all cells.
var cells = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.ClearMacros(), cel.Macros(cel.HasMacro), cel.ParserRecursionLimit(60), cel.ParserExpressionSizeLimit(4 * maxCell),
		cel.Variable("facets", cel.MapType(cel.StringType, cel.DynType)), cel.Variable("point", pointType),
		cel.Function("near", near("near_m", cel.DoubleType), near("near_int_m", cel.IntType)),
		cel.Function("inside", cel.MemberOverload("point_inside", []*cel.Type{pointType, cel.ListType(cel.ListType(cel.DoubleType))}, cel.BoolType, cel.BinaryBinding(inside))),
	}
	for name, v := range variables {
		switch {
		case name == "point":
		case v.typ == typeNumber:
			options = append(options, cel.Variable(name, cel.IntType))
		case v.typ == typeBool:
			options = append(options, cel.Variable(name, cel.BoolType))
		default:
			options = append(options, cel.Variable(name, cel.StringType))
		}
	}
	return cel.NewEnv(options...)
})

// compileCell checks and compiles the text of an advanced cell. A refusal (422 RULE_INVALID) says line and column, shows
// the line with a caret, and names the nearest known word for an unknown one.
func compileCell(text, at string) (*cell, error) {
	if len([]rune(text)) > maxCell {
		return nil, invalidRule(at, "表达式过长，最多 %d 个字符", maxCell)
	}
	env, err := cells()
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, cellFault(text, at, issues.Errors())
	}
	tree := parsed.NativeRep()
	var loop *celcommon.Error
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().IsMemberFunction() && slices.Contains(loops, e.AsCall().FunctionName()) && loop == nil {
			loop = celcommon.NewError(e.ID(), "不能使用循环 "+e.AsCall().FunctionName()+"()：逐项判断请用 in 或 ||", tree.SourceInfo().GetStartLocation(e.ID()))
		}
	}))
	if loop != nil {
		return nil, cellFault(text, at, []*celcommon.Error{loop})
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, cellFault(text, at, issues.Errors())
	}
	start := celcommon.NewLocation(1, 0)
	if checked.OutputType() != cel.BoolType {
		return nil, cellFault(text, at, []*celcommon.Error{celcommon.NewError(0, "结果应为 true 或 false，而不是 "+checked.OutputType().String(), start)})
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(cellCost), cel.InterruptCheckFrequency(64))
	if err != nil {
		return nil, cellFault(text, at, []*celcommon.Error{celcommon.NewError(0, "无法编译："+err.Error(), start)})
	}
	c := &cell{text: text, program: program, shape: shapeOf(checked.NativeRep(), checked.NativeRep().Expr())}
	for _, r := range checked.NativeRep().ReferenceMap() {
		c.words = c.words || r.Name == "text"
	}
	// The dearest case there may be must stay within the limit, or the rule would silently never hold for long words.
	if _, _, err := c.program.Eval(facts{&Facts{norm: strings.Repeat("字", cellWords), Facets: map[string]any{}}}); err != nil && strings.Contains(err.Error(), "cost limit") {
		return nil, cellFault(text, at, []*celcommon.Error{celcommon.NewError(0, fmt.Sprintf("计算量超过上限 %d：请拆成几条规则或改用条件列", cellCost), start)})
	}
	return c, nil
}

// eval answers, and says in a word why a cell could not be judged.
func (c *cell) eval(ctx context.Context, f *Facts) (ok bool, trouble string) {
	if ctx.Err() != nil {
		return false, "超时"
	}
	out, _, err := c.program.ContextEval(ctx, facts{f})
	switch {
	case err == nil:
		return out == types.True, ""
	case ctx.Err() != nil:
		return false, "超时"
	case strings.Contains(err.Error(), "cost limit"):
		return false, "计算量超限"
	}
	return false, "所需信息未知"
}

// facts lets a cell read a case's facts by the names of the variables.
type facts struct{ *Facts }

func (facts) Parent() cel.Activation { return nil }

func (f facts) ResolveName(name string) (any, bool) {
	switch name {
	case "text":
		words := f.norm
		if len(words) > cellWords {
			if list := []rune(words); len(list) > cellWords {
				words = string(list[:cellWords])
			}
		}
		return words, true
	case "point":
		return point{f.Facts}, true
	case "facets":
		m := make(map[string]any, len(f.Facets))
		for k, raw := range f.Facets {
			switch v := scalar(raw); v.typ {
			case typeString:
				m[k] = v.s
			case typeNumber:
				m[k] = v.n
			case typeBool:
				m[k] = v.b
			}
		}
		return m, true
	}
	v, ok := variables[name]
	if !ok {
		return nil, false
	}
	switch seen := v.get(f.Facts); v.typ {
	case typeNumber:
		return int64(seen.n), true
	case typeBool:
		return seen.b, true
	default:
		return seen.s, true
	}
}

var pointType = cel.OpaqueType("point")

// point is where the case lies; point.near(lon, lat, metres) and point.inside([[lon, lat], …]) ask of it (WGS-84).
type point struct{ f *Facts }

func (point) ConvertToType(t ref.Type) ref.Val { return types.NewErr("a point is no %s", t.TypeName()) }
func (p point) Equal(other ref.Val) ref.Val    { return types.Bool(other == ref.Val(p)) }
func (point) Type() ref.Type                   { return pointType }
func (p point) Value() any                     { return p.f }
func (point) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("a point stays a point")
}

func near(id string, metres *cel.Type) cel.FunctionOpt {
	return cel.MemberOverload(id, []*cel.Type{pointType, cel.DoubleType, cel.DoubleType, metres}, cel.BoolType, cel.FunctionBinding(func(args ...ref.Val) ref.Val {
		p, ok := args[0].(point)
		lon, ok1 := args[1].(types.Double)
		lat, ok2 := args[2].(types.Double)
		if !ok || !ok1 || !ok2 {
			return types.MaybeNoSuchOverloadErr(args[0])
		}
		var m float64
		switch v := args[3].(type) {
		case types.Double:
			m = float64(v)
		case types.Int:
			m = float64(v)
		}
		return types.Bool(p.f.HasPoint && area{lon: float64(lon), lat: float64(lat), m: m}.holds(p.f.Lon, p.f.Lat))
	}))
}

func inside(at, list ref.Val) ref.Val {
	p, ok := at.(point)
	ring, err := list.ConvertToNative(ringType)
	points, ok2 := ring.([][]float64)
	if !ok || err != nil || !ok2 {
		return types.MaybeNoSuchOverloadErr(list)
	}
	a := area{ring: make([][2]float64, 0, len(points))}
	for _, q := range points {
		if len(q) != 2 {
			return types.NewErr("a corner has two numbers")
		}
		a.ring = append(a.ring, [2]float64{q[0], q[1]})
	}
	return types.Bool(len(a.ring) > 2 && p.f.HasPoint && a.holds(p.f.Lon, p.f.Lat))
}

// cellFault words what CEL found wrong, most of it in Chinese, with line, column and caret.
func cellFault(text, at string, found []*celcommon.Error) *fault.Error {
	e := invalidRule("", "")
	e.Fields = nil
	for i, one := range found {
		if i == 3 { // the rest follows from the first ones
			break
		}
		line, column := max(1, one.Location.Line()), max(0, one.Location.Column())
		e = e.At(at, "%s", fmt.Sprintf("第 %d 行第 %d 列：%s\n%s", line, column+1, celText(one.Message), Caret(text, line, column+1)))
		if i == 0 {
			e = e.With("line", line).With("column", column+1)
		}
	}
	return e
}

// celText turns the commonest findings of CEL into Chinese; the rest is shown as it is.
func celText(message string) string {
	if name, ok := between(message, "undeclared reference to '", "'"); ok {
		if slices.Contains(loops, name) {
			return "不能使用循环 " + name + "()"
		}
		return "没有变量或函数 " + name + maybe(name, vocabularyOfCells)
	}
	if name, ok := between(message, "undefined field '", "'"); ok {
		return "没有字段 " + name + maybe(name, vocabularyOfCells)
	}
	if rest, ok := strings.CutPrefix(message, "found no matching overload for '"); ok {
		name, args, _ := strings.Cut(rest, "' applied to ")
		return "类型不符：" + strings.Trim(strings.ReplaceAll(name, "_", " "), " ") + " 不能用于 " + strings.Trim(args, "'")
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		return "语法错误：" + rest
	}
	return message
}

func between(s, before, after string) (string, bool) {
	_, rest, ok := strings.Cut(s, before)
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, after)
	return name, ok
}

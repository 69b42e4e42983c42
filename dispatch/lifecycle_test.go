package dispatch

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// withoutVerb are built actions that no verb carries out: a case begins by Desk.Submit, a missed check-in is rung by its clock,
// an incident is no case.
var withoutVerb = []Action{ActSubmit, ActSelfHandle, ActCheckinOver, ActIncident}

func TestLifecycleTable(t *testing.T) {
	t.Parallel()
	require.Len(t, States, 15)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(States))), 15)
	seen, numbers := map[string]bool{}, map[string]bool{}
	for _, row := range Lifecycle {
		require.False(t, seen[row.No], "%s is declared twice", row.No)
		seen[row.No] = true
		numbers[strings.TrimRight(row.No, "abc")] = true
		require.NotEmpty(t, row.By, row.No)
		require.NotEmpty(t, row.Action, row.No)
		if row.To != None {
			require.Contains(t, States, row.To, row.No)
			require.NotNil(t, row.From, "%s moves a case from nowhere", row.No)
		}
		for _, from := range row.From {
			require.True(t, from == None || slices.Contains(States, from), "%s from %q", row.No, from)
			require.False(t, from.Terminal() && row.Action != ActAppeal, "%s leaves the terminal state %s", row.No, from)
		}
		require.Equal(t, slices.Compact(slices.Sorted(slices.Values(row.From))), slices.Sorted(slices.Values(row.From)), "%s names a state twice", row.No)
	}
	for n := 1; n <= 31; n++ {
		require.True(t, seen[fmt.Sprintf("T%d", n)], "T%d is not declared", n)
	}
	for n := range numbers {
		var i int
		if _, err := fmt.Sscanf(n, "T%d", &i); err == nil {
			require.True(t, i >= 1 && i <= 31, "%s is no transition of the domain page", n)
		} else {
			require.True(t, strings.HasPrefix(n, "S"), n)
		}
	}
	for _, s := range States {
		require.Equal(t, !s.Terminal() && s != Closed, slices.Contains(Active, s), "%s", s)
	}
}

func TestBuiltActionsHaveVerbs(t *testing.T) {
	t.Parallel()
	built := map[Action]bool{}
	for _, row := range Lifecycle {
		built[row.Action] = built[row.Action] || row.Built
	}
	for act, isBuilt := range built {
		_, hasVerb := verbs[act]
		require.Equal(t, isBuilt && !slices.Contains(withoutVerb, act), hasVerb, "%s: built %v, verb %v", act, isBuilt, hasVerb)
		_, hasFields := fieldsOf[act]
		require.True(t, !hasFields || hasVerb, "%s has fields but no verb", act)
	}
	for act := range verbs {
		require.Contains(t, built, act, "a verb without a row")
	}
}

// What is declared but not built says so to everybody, and no screen offers it.
func TestNotBuiltAnswers501(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range cast() {
		for _, sc := range scenes() {
			for _, act := range AllowedActions(sc.seenBy(c), c.Actor) {
				require.True(t, slices.ContainsFunc(rowsOf(act), func(r Transition) bool { return r.Built }), "%s is offered to %s and not built", act, c.name)
			}
		}
	}
	for _, act := range actionsInOrder() {
		if slices.ContainsFunc(rowsOf(act), func(r Transition) bool { return r.Built }) {
			continue
		}
		n++
		for _, c := range cast() {
			for _, sc := range scenes() {
				_, err := Permit(sc.seenBy(c), act, c.Actor)
				f, ok := fault.As(err)
				require.True(t, ok, "%s", act)
				require.Equal(t, http.StatusNotImplemented, f.Status, "%s", act)
				require.Equal(t, "NOT_BUILT", f.Code)
			}
		}
	}
	_, err := Permit(&Snapshot{}, "fly", auth.Actor{})
	require.True(t, fault.Is(err, "UNKNOWN_ACTION"))
	t.Logf("%d actions are declared and not built", n)
}

func TestFieldsAndWords(t *testing.T) {
	t.Parallel()
	names := map[string]reflect.Type{}
	body := reflect.TypeFor[Body]()
	for field := range body.Fields() {
		names[field.Tag.Get("json")] = field.Type
	}
	kinds := map[string][]reflect.Type{
		"units": {reflect.TypeFor[[]string]()}, "photos": {reflect.TypeFor[[]string]()}, "texts": {reflect.TypeFor[[]string]()}, "targets": {reflect.TypeFor[[]TargetIn]()}, "point": {reflect.TypeFor[*PointIn]()},
		"time": {reflect.TypeFor[*time.Time]()}, "bool": {reflect.TypeFor[bool](), reflect.TypeFor[*bool]()}, "int": {reflect.TypeFor[int]()}, "choice": {reflect.TypeFor[string](), reflect.TypeFor[Priority]()},
		"tasks": {reflect.TypeFor[[]TaskIn]()}, "verdicts": {reflect.TypeFor[[]Verdict]()},
	}
	for _, plain := range []string{"text", "longtext", "matter", "unit", "case", "budget", "request", "report", "person"} {
		kinds[plain] = []reflect.Type{reflect.TypeFor[string]()}
	}
	used := map[string]bool{"note": true}
	for act, fields := range fieldsOf {
		given := map[string]bool{}
		for _, f := range fields {
			require.Contains(t, names, f.Name, "%s: %s is no field of Body", act, f.Name)
			require.Contains(t, kinds[f.Type], names[f.Name], "%s: %s is no %s", act, f.Name, f.Type)
			require.False(t, given[f.Name], "%s names %s twice", act, f.Name)
			given[f.Name], used[f.Name] = true, true
			require.Equal(t, f.Type == "choice", len(f.Options) > 0, "%s: %s", act, f.Name)
			bothf(t, fieldWords[f.Name], "field %s", f.Name)
			for _, o := range f.Options {
				bothf(t, optionWords[o], "option %s of %s", o, f.Name)
			}
		}
	}
	for name := range names {
		require.True(t, used[name], "no action takes the field %s", name)
	}
	for _, s := range States {
		bothf(t, stateWords[s], "state %s", s)
		bothf(t, residentWords[s].pair, "resident's word for %s", s)
		require.Equal(t, strings.Contains(residentWords[s].zh, "%s"), strings.Contains(residentWords[s].en, "%s"), "%s names the unit in one language only", s)
	}
	for _, act := range append(actionsInOrder(), ActClockDue) {
		bothf(t, actionWords[act], "action %s", act)
	}
	for kind, words := range taskWords {
		bothf(t, words, "task %s", kind)
	}
	for _, k := range clockKinds {
		require.Contains(t, DefaultStages, k)
		for _, p := range []Priority{P1, P2, P3, P4} {
			text, ok := DefaultStages[k][p]
			require.True(t, ok, "%s has no budget for %s", k, p)
			if _, ok := budgetOf(text); !ok {
				require.Empty(t, text, "%s %s", k, p)
			}
		}
	}
	require.Len(t, DefaultStages, len(clockKinds))
}

func bothf(t *testing.T, p pair, format string, args ...any) {
	t.Helper()
	require.NotEmptyf(t, p.zh, format, args...)
	require.NotEmptyf(t, p.en, format, args...)
	require.NotEqualf(t, p.zh, p.en, format, args...)
}

// ids of the tests are derived from their names, so that a failing case is the same in every run.
func idOf(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

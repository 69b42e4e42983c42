package grid

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// Import is what an import of a map is asked.
type Import struct {
	Datum     Datum     // of the file; empty: as the file says, else WGS84
	Effective time.Time // zero: at once
	DryRun    bool
	Repair    bool
	Accept    []string // codes of findings that are accepted knowingly
	Once      Once
	// Seal gives the hash of the whole file once it has been read, for the key of a request; nil without one.
	Seal func() []byte
}

// Import reads a FeatureCollection of areas of the actor's district: new codes are added, known ones get a new version where
// something differs, all others stay. The file is taken whole or not at all. A refusal is the fault MAP_REFUSED, whose fields are
// the findings; the report comes with it. A trial gives the report only.
func (m *Maps) Import(ctx context.Context, a auth.Actor, file io.Reader, in Import) (*Report, error) {
	for _, code := range in.Accept {
		if !findingKinds[code].acceptable {
			return nil, fault.Invalid("/accept", "%s 不能确认放行；可放行的是 %s", code, strings.Join(acceptables(), "、"))
		}
	}
	r := &Report{Kind: ChangeImport, DryRun: in.DryRun, Begun: []VersionRef{}, Ended: []VersionRef{}, Workers: []WorkerEffect{}}
	b := &batch{found: newFindings(in.Repair, in.Accept), district: a.District, byCode: map[string]*candidate{}}
	if err := b.read(file, in.Datum); err != nil {
		return nil, err
	}
	if in.Seal != nil && in.Once.Key != "" {
		in.Once.Hash = in.Seal()
	}
	c, err := m.open(ctx, a, in.Effective)
	if err != nil {
		return nil, err
	}
	defer c.close(ctx)
	if !in.DryRun {
		if done, err := c.first(ctx, in.Once); done != nil || err != nil {
			return done, err
		}
	}
	b.check(c)
	b.plan(c, r)
	r.Effective, r.Features, r.Corners = c.effective, b.features, b.corners
	r.Findings, r.Counts = b.found.sorted(), b.found.counts
	if err := c.idle(ctx, r); err != nil {
		return nil, err
	}
	if r.Refused = b.found.blocking > 0; r.Refused || in.DryRun {
		if r.Refused && !in.DryRun {
			return r, r.refusal()
		}
		return r, nil
	}
	if len(c.begin)+len(c.end) == 0 {
		return r, nil
	}
	if err := c.write(ctx, r, "", in.Once); err != nil {
		return nil, err
	}
	return r, nil
}

func acceptables() []string {
	var out []string
	for code, kind := range findingKinds {
		if kind.acceptable {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return out
}

// refusal is the error of a file that is not taken.
func (r *Report) refusal() error {
	e := fault.New(422, "MAP_REFUSED", "地图未导入：请按提示修改文件后重试，现有网格没有变化")
	for _, f := range r.Findings {
		if f.blocks() && len(e.Fields) < 100 {
			e = e.At(f.Pointer, "%s：%s（%s）", f.Code, f.Detail, mendable(f.Code))
		}
	}
	return e.With("report", r)
}

func (r *Report) begun(v VersionRef) {
	if len(r.Begun) < maxRefs {
		r.Begun = append(r.Begun, v)
	}
}

func (r *Report) ended(v VersionRef) {
	if len(r.Ended) < maxRefs {
		r.Ended = append(r.Ended, v)
	}
}

// Reasons are the findings that refuse the file, one line each, and how many more there are.
func (r *Report) Reasons() []string {
	var out []string
	more := 0
	for code, n := range r.Counts {
		kind := findingKinds[code]
		if n > maxListed && !kind.warning {
			more += n - maxListed
		}
	}
	for _, f := range r.Findings {
		if f.blocks() {
			out = append(out, fmt.Sprintf("%s %s %s（%s）", f.Code, f.Pointer, f.Detail, mendable(f.Code)))
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("…… 另有 %d 处 / %d more", more, more))
	}
	return out
}

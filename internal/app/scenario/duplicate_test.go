package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDispatchersSeeWhatACaseLooksLike(t *testing.T) {
	p := start(t)
	first := p.resident(1).report("06010", obj{"text": "菜场出口烂菜叶堆成山没有清走"}).ok(201)
	second := p.resident(2).report("06010", obj{"text": "烂菜叶堆在菜场出口，苍蝇很多", "point": north(near(), 12)}).ok(201)
	shown := second.list("duplicates")
	require.Equal(t, []any{first.str("case_id"), true}, []any{shown[0]["case_id"], shown[0]["likely"]}, "the resident is shown it at once")
	far := p.resident(3).report("06010", obj{"text": "公交站台后面绿篱里全是快餐盒", "point": north(near(), 80)}).ok(201)

	dis := p.staff("dis1")
	list := dis.get("/cases/" + second.str("case_id") + "/duplicates").ok(200).list("items")
	require.Equal(t, first.str("case_id"), list[0]["case_id"])
	require.Equal(t, true, list[0]["likely"])
	var why []string
	for _, r := range list[0]["reasons"].([]any) {
		why = append(why, r.(string))
	}
	require.Contains(t, strings.Join(why, "；"), "相距 12 米；同一事项；描述相近")
	require.Equal(t, second.str("case_id"), dis.get("/cases/" + first.str("case_id") + "/duplicates").ok(200).list("items")[0]["case_id"], "the later one too")
	for _, d := range list {
		require.Equal(t, d["case_id"] != far.str("case_id"), d["likely"])
	}
	p.staff("so2").get("/cases/"+first.str("case_id")+"/duplicates").code(404, "NOT_FOUND")
	dis.act(second.str("case_id"), "merge", obj{"master_case_id": first.str("case_id")}).ok(200)
	for _, d := range dis.get("/cases/" + first.str("case_id") + "/duplicates").ok(200).list("items") {
		require.NotEqual(t, second.str("case_id"), d["case_id"], "it is merged")
	}
}

// Many reports on one identical coordinate say that it is a default, not that they are near.
func TestADefaultPointIsNoNearness(t *testing.T) {
	p := start(t)
	same := obj{"lon": 119.3070, "lat": 26.0880, "datum": "WGS84"}
	res := p.resident(1)
	for _, words := range []string{"学校围墙外有人倒了一车泥土", "河边步道有很多塑料袋", "天桥底下有人扔旧沙发", "五一广场草坪有纸屑"} {
		res.report("06010", obj{"text": words, "point": same}).ok(201)
	}
	last := p.resident(2).report("06010", obj{"text": "温泉公园池边有很多酒瓶", "point": same}).ok(201)
	require.Empty(t, last.list("duplicates"))
	again := p.resident(3).report("06010", obj{"text": "天桥底下有人扔了旧沙发", "point": same}).ok(201)
	require.Len(t, again.list("duplicates"), 1, "the same words still tell")
	require.Contains(t, again.list("duplicates")[0]["reasons"], "定位为默认点，不按距离判断")
}

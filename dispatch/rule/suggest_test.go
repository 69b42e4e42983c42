package rule

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	c := DemoCatalog("350102")
	for words, want := range map[string]string{
		"门口一堆垃圾没人清，好臭": "06010", "路灯坏了好几天晚上黑漆漆": "01037", "人行道上井盖没了，太危险": "01002", "车子乱停，占道停车堵住路口": "09009",
		"楼下广场舞吵死了": "06028", "有人在顶楼违章搭建": "06001", "墙上到处是小广告": "07001", "马路上一个大坑，坑坑洼洼": "06013",
		"消防通道被车堵死": "09012", "共享单车堆得满地都是": "09011", "饭店油烟直接排到我家": "06027", "半夜施工打桩声睡不着": "08001",
		"路边摆摊占道": "09006", "垃圾桶满了没人收": "06042", "物业不作为": "22001", "外卖吃出虫子": "21002", "公司拖欠工资": "24016",
		"电梯坏了没人修": "22003", "河水发黑": "27006", "电动车在楼道充电": "23001", "群里传的消息是谣言吗": "28001", "大树倒下砸到车": "30010",
		"红绿灯坏了": "02014", "狗没拴绳乱跑": "23012", "被狗咬了": "23013",
	} {
		got := c.Suggest(words)
		require.NotEmpty(t, got, words)
		require.LessOrEqual(t, len(got), 3)
		require.Equal(t, want, got[0].Item.Code, "%s → %s %v", words, got[0].Item.Name, got[0].Reasons)
		for i, s := range got {
			require.True(t, s.Confidence >= 0 && s.Confidence < 1, "%s %v", words, s.Confidence)
			require.True(t, i == 0 || s.Confidence <= got[i-1].Confidence, words)
			require.True(t, s.Item.Public)
		}
	}
	require.Empty(t, c.Suggest(""))
	require.Empty(t, c.Suggest("。。！？"))
	require.Empty(t, c.Suggest("qqqq"))
	sure, torn := c.Suggest("消防通道被占")[0], c.Suggest("路灯坏了，垃圾没人扫")[0]
	require.GreaterOrEqual(t, sure.Confidence, 0.80)
	require.Less(t, torn.Confidence, 0.80, "two equal candidates must not look certain")
}

// The two parts of the labelled set. The scored part was written before the scorer and its words; what is changed in
// them is judged by the tuning part alone.
func TestSuggestionsAreRight(t *testing.T) {
	t.Parallel()
	c := DemoCatalog("350102")
	tuning, scored, later := Sentences("tuning"), Sentences("scored"), Sentences("later")
	seen, codes := map[string]bool{}, map[string]bool{}
	for _, l := range slices.Concat(tuning, scored, later) {
		require.False(t, seen[normal(l.Words)], "%s stands twice", l.Words)
		seen[normal(l.Words)], codes[l.Code] = true, true
		it, ok := c.Matter(l.Code)
		require.True(t, ok && it.Public, "%s %s", l.Code, l.Words)
	}
	require.GreaterOrEqual(t, len(seen), 600)
	require.GreaterOrEqual(t, len(codes), 120)
	for _, part := range []struct {
		name string
		of   []Sentence
	}{{"tuning", tuning}, {"scored", scored}, {"later", later}} {
		r := c.Measure(part.of)
		t.Logf("%s: %s", part.name, r)
		if part.name == "tuning" && testing.Verbose() {
			for _, m := range r.Missed {
				t.Log(m)
			}
		}
		require.GreaterOrEqual(t, r.First, 0.65, part.name)
		require.GreaterOrEqual(t, r.InTop3, 0.85, part.name)
		require.GreaterOrEqual(t, r.SureRight, 0.90, "%s: what looks sure must be right", part.name)
	}
}

func BenchmarkSuggest(b *testing.B) {
	c := DemoCatalog("350102")
	for b.Loop() {
		c.Suggest("我们小区门口人行道上井盖没了，晚上路灯坏了看不见，太危险了，请尽快派人来处理")
	}
}

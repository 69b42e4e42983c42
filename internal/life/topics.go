package life

// topic is something that people report.
type topic struct {
	matter string // of the demo catalogue
	weight int
	facets map[string]string
	words  []string
	phone  bool // checked by telephone, nothing to be photographed
}

// topics are what the demo district talks about. Words and weights are the project's own.
var topics = []topic{
	{matter: "06010", weight: 22, words: []string{"路边堆了很多垃圾没人清理，气味很大", "垃圾桶旁边散落一地的垃圾袋", "人行道上有暴露垃圾，影响行走"}},
	{matter: "06001", weight: 7, words: []string{"楼顶有人正在搭建彩钢板房", "一楼住户在公共绿地上加盖房间", "沿街店面后面新搭了一间砖房"}},
	{matter: "06013", weight: 9, words: []string{"路面有一个大坑，骑车很危险", "人行道地砖松动塌陷", "雨后路面开裂下沉"}},
	{matter: "01037", weight: 9, words: []string{"巷子里的路灯坏了好几天，晚上很黑", "路灯一直闪烁", "路灯白天也亮着"}},
	{matter: "06028", weight: 4, facets: map[string]string{"source": "CONSTRUCTION"}, words: []string{"工地晚上还在施工，吵得睡不着", "夜里打桩的声音很大"}},
	{matter: "06028", weight: 4, facets: map[string]string{"source": "SQUARE_DANCE"}, words: []string{"广场舞音响太大", "早上六点就有人放音乐跳舞"}},
	{matter: "09012", weight: 4, words: []string{"消防通道被杂物堵住了", "楼道消防通道堆满纸箱"}},
	{matter: "09012", weight: 3, facets: map[string]string{"vehicle": "true"}, words: []string{"消防通道停满了私家车", "消防车通道被一辆货车挡住"}},
	{matter: "01057", weight: 1, words: []string{"楼道里闻到很浓的燃气味", "挖断了燃气管，正在漏气"}},
	{matter: "01023", weight: 2, words: []string{"路中间一个井盖不见了", "不知道是谁家的井盖塌了一半"}},
	{matter: "09015", weight: 3, facets: map[string]string{"fume": "true"}, phone: true, words: []string{"楼下小餐馆没有执照还直排油烟", "无证烧烤摊油烟很大"}},
	{matter: "21001", weight: 2, phone: true, words: []string{"外卖店没有营业执照", "平台上这家店地址根本没有店面"}},
	{matter: "22001", weight: 4, words: []string{"小区物业一直没有人管", "物业收了钱不打扫卫生"}},
	{matter: "22003", weight: 3, words: []string{"电梯又坏了，老人下不了楼", "电梯运行时有异响"}},
	{matter: "24001", weight: 3, phone: true, words: []string{"楼上邻居半夜吵闹，多次沟通无果", "隔壁天天敲墙，想请社区调解"}},
	{matter: "28001", weight: 1, words: []string{"群里说明天要停水三天，是真的吗", "网上传这条路要封闭施工"}},
	{matter: "06036", weight: 7, words: []string{"楼道里堆满了旧家具", "门口堆放杂物影响通行"}},
	{matter: "07001", weight: 5, words: []string{"墙上贴满了小广告", "电线杆上全是牛皮癣"}},
	{matter: "09001", weight: 4, words: []string{"路口有流动摊贩占道", "校门口小摊影响通行"}},
	{matter: "08001", weight: 3, words: []string{"隔壁装修中午也不停", "工地尘土飞扬"}},
}

// after is what a unit says that it did.
var after = []string{"已到现场清理完毕并安排每日巡查", "已修复并恢复正常使用", "已责令当事人整改，现场恢复原状", "已与当事人沟通并当场解决", "已更换损坏部件，试运行正常"}

/** Words of what the queue and the case page load when it is asked for. */
export default {
  near: '附近的同类案件', likely: '很可能是同一件', compare: '两件案件对照', thisOne: '本案', intoThis: '并入此案', people: '反映人数',
  viewName: '视图名称', keep: '保存', keepView: '保存为视图', shareView: '复制链接', linkCopied: '链接已复制，发给同事即可打开同样的筛选', linkByHand: '浏览器不允许自动复制，请复制地址栏', dropView: '删除视图 {name}', viewShare: '共享给{unit}', viewShareCentre: '共享给中心同事', viewShared: '共享', viewOf: '{who} 共享的视图',
  watching: '{who} 也在看这件', replyWords: '常用语', replyPick: '选用（{n} 条）', dutyRing: '值班电话', dutyShow: '显示号码', dutyNoPhone: '没有登记手机号', dutyNone: '现在没有排班，消息发给全体经办人',
  bulkTitle: '批量处理 {n} 件', bulkWhat: '做什么', bulkNone: '所选案件没有可以一起做的操作', bulkResult: '结果', bulkOk: '已完成', bulkWill: '将{what}', bulkCannot: '这件不能', bulkRun: '处理 {n} 件', pick: '选择', picked: '已选 {n} 件', bulk: '批量处理…', unpick: '取消选择', pickRow: '选择 {name}',
  print: '打印案卷', printedBy: '{who} 打印于 {time}', chainHead: '末条存证 #{n}', chainHash: '哈希', printNote: '末条哈希依次包含此前每一条的哈希；任何一条被改动，它都会不同。',
  glossary: '名词解释', 'word.call': '一线呼叫', 'says.call': '街道一键呼叫部门到现场，十分钟应答，限时报到', 'word.ack': '应答', 'says.ack': '被呼叫单位回复“我来”和预计到达时间', 'word.checkIn': '报到', 'says.checkIn': '到现场签到（定位或扫码），远程须事先允许', 'word.return': '退单', 'says.return': '主办单位认为不归自己，在时限内退回并给出依据', 'word.arbitrate': '裁定', 'says.arbitrate': '争议由裁定员指定单位，不能再退，成为先例', 'word.hop': '转手', 'says.hop': '主办单位从一个换到另一个，街道直接呼叫部门为一次', 'word.promise': '居民承诺', 'says.promise': '立案时告诉居民的办结时间，考核按它计算', 'word.light': '时限灯', 'says.light': '绿：正常；黄：已用去 80%；红：已超时', 'word.check': '核查', 'says.check': '办结后由另一个单位到场确认', 'word.round': '轮次', 'says.round': '重办一次算新的一轮', 'word.chain': '存证', 'says.chain': '每一步都有哈希，依次相接，改动任何一步都会被发现', 'word.backstop': '街镇托底', 'says.backstop': '没有规则指向单位时由属地街镇先办',
} as const

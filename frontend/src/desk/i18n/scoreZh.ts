const zh = {
  period: '考核周期', month: '月份', quarter: '季度', frozen: '已定稿', provisional: '未定稿，随数据变化', rank: '名次', unit: '单位', kind: '类别', score: '得分', settled: '应处置', hash: '校验码', revision: '第 {n} 版',
  DEPARTMENT: '部门', STREET: '街道', insufficient: '样本不足', empty: '该周期没有考核单', emptyText: '换一个周期再看', sheetTitle: '{unit} {period} 考核单', print: '打印', back: '返回列表', exportXlsx: '导出 Excel', exclusions: '剔除', askOut: '申请剔除',
  indicator: '指标', formula: '公式', made: '分子/分母', value: '结果', composite: '综合分', deducted: '扣分', after: '最终得分', weight: '有效权重', yellow: '黄牌 {n}', red: '红牌 {n}', unfounded: '不当退单 {n}', excluded: '剔除 {n} 项', exclusionRate: '剔除率',
  drill: '查看“{name}”的明细', behindTitle: '“{name}”由这些组成', case: '案件', due: '时限', done: '完成', counts: '计入', holds: '达标', late: '迟到计入', yes: '是', no: '否', noFacts: '没有明细', more: '更多', hours: '处置工时', hoursText: '中位数 {median}，P90 {p90}，平均 {mean}（{n} 件，小时）',
  bulletin: '月度通报', bulletinTitle: '{district}一线处置工作{year}年{month}月通报', bulletinSpan: '统计时段 {from} 至 {until}，对比 {before} 至 {beforeUntil}', bulletinMade: '数据截至 {at}', bulletinTotal: '一、总体情况', bulletinStreets: '二、各街镇', bulletinUnits: '三、区直部门和企业', bulletinRanks: '四、考核排名', bulletinRankNote: '按最终得分排列；样本不足的单位不排名。', bulletinNotes: '说明', bulletinNotesText: '各项指标按北京时间统计，演练、作废和并案的案件不计；比率后为分子/分母。剔除须两人审批，口径见各项指标的“口径”。', figure: '指标', thisMonth: '本月', lastMonth: '上月', changeBy: '增减', lastYear: '去年同期', noSheets: '本月考核单尚未生成', by_name: '单位',
  objections: '异议', noObjections: '没有异议', object: '提出异议', objectText: '异议内容', answer: '答复', answerText: '答复内容', answered: '答复：{text}', send: '提交', sent: '已提交', tooShort: '请至少写 5 个字',
  reports: '报表投递', myReports: '送达我的报表', noReports: '还没有送达的报表', noReportsText: '由督查员设置，按日、周、月或季度自动送达', download: '下载', withheld: '未送达：{reason}', reportExpired: '已过保留期', subscriptions: '自动投递', runs: '投递记录', runNow: '立即生成', endReport: '停止投递',
  runAsked: '已安排生成，稍后在投递记录中查看', reportEnded: '已停止投递', nextRun: '下次 {at}', planned: '计划 {at}', recipient: '接收人', state: '状态', fetched: '下载次数', delivered: '已送达', newReport: '新建投递', reportTitle: '标题', what: '报表', by: '分组', every: '周期', at: '投递时刻', format: '格式', keepDays: '保留天数',
  recipients: '接收人账号', recipientsHint: '填写登录名，用空格或逗号隔开；每人只收到本人有权查看的内容', makeReport: '建立', reportMade: '已建立', what_metrics: '响应指标', what_hotline: '12345 四项指标', what_assessments: '考核单', what_burden: '减负成效', what_cases: '案件清单',
  every_day: '每日', every_week: '每周', every_month: '每月', every_quarter: '每季度', by_unit: '按单位', by_street: '按街道', by_matter: '按事项', by_day: '按日', by_source: '按来源',
}
export default zh

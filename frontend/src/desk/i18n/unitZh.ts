/** Words of the page of one's own unit. */
export default {
  allCases: '本单位全部案件', toAnswer: '待应答、待报到', duties: '待办', lateN: '超时 {n}', noDuties: '没有待办', noDutiesText: '派来的案件和任务会自动出现在这里', onDuty: '值班与负荷', who: '人员', loadDuties: '在办', loadCalls: '待报到', loadDue: '最近到期', noRoster: '现在没有排班，消息发给全体经办人', untilTime: '值班到 {time}', editRoster: '修改值班表', month: '本月指标', toFigures: '查看全部指标',
} as const
